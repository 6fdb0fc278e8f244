// SPDX-License-Identifier: MIT
//
// Shows the stream, and says whether its picture is live.
//
// An <img> does not tell when its stream stalls or ends: the last picture simply stays.
// So the page gives its stream a key, and looks in /state whether the service still
// sends to a stream with this key. A picture counts as live only while a recent reply
// says so; in every other case it is dimmed. Text from the service is only ever set as
// text.
'use strict';

const POLL_MS = 1000;
const REPLY_MS = 3000;		// without a reply for so long the service is not reachable
const MISSING_POLLS = 3;	// a stream that was just begun may not be in /state yet
const STUCK_POLLS = 3;		// a slow network may need more than a second for a picture

// fetch() refuses an address with a login in it, which location.href may have.
const base = location.origin + location.pathname;
const at = id => document.getElementById(id);
const video = at('video');

// --- The badge and the table ---------------------------------------------------------

const rows = new Map();

function put(name, value) {
  if (!rows.has(name)) {
    const term = document.createElement('dt');
    const data = document.createElement('dd');
    term.textContent = name;
    at('facts').append(term, data);
    rows.set(name, data);
  }
  rows.get(name).textContent = value;
}

// why: the reason why the picture is not live; '' when it is. outOfDate: so is the table.
function show(why, outOfDate = false) {
  const text = why || 'live';
  document.body.className = why ? 'is-not-live' : 'is-live';
  document.body.classList.toggle('is-out-of-date', outOfDate);
  at('live').textContent = text;
  document.title = 'glint: ' + text;
}

const ms = ns => (ns / 1e6).toFixed(1) + ' ms';
const list = (...words) => words.filter(Boolean).join(', ');

function showFacts(state) {
  const glint = state.glint;
  const size = state.source.resolution;
  put('Size', size.width + ' \u00d7 ' + size.height);
  put('Format', list(glint.format.fourcc, glint.format.matrix, glint.format.range));
  put('Captured', glint.source.fps.toFixed(2) + ' fps');
  put('Encoder', list(glint.encoder.name, glint.encoder.subsampling, state.encoder.quality));
  put('Encoded', glint.encoder.fps.toFixed(2) + ' fps');
  put('Latency, half of all', ms(glint.latency_ns.total.p50));
  put('Latency, 99 %', ms(glint.latency_ns.total.p99));
  put('Frames', glint.ledger.seen);
  put('Dropped by the driver', glint.ledger.driver_dropped);
  put('Corrupt', glint.ledger.corrupt);
  put('Failed', glint.ledger.failed);
  put('Copies a frame', glint.copies_per_frame.toFixed(2));
  put('Streams', glint.clients.streams);
  put('Loop', glint.loop.backend);
  at('version').textContent = 'glint ' + glint.version;
  at('device').textContent = list(glint.device.card, glint.device.path);
}

// --- The stream ----------------------------------------------------------------------

let stream;

function beginStream() {
  const key = Math.random().toString(36).slice(2);
  stream = { key, polls: 0, stuck: 0, sent: 0, skipped: 0, encoded: 0, seen: 0 };
  video.hidden = false;
  video.src = new URL('stream?key=' + key, base);
}

// Whether pictures were due to our stream since the last reply, and none was sent.
// With --drop-same-frames nothing is sent of a still screen, but then nothing is skipped.
function isStuck(own, encoded, seen) {
  const stillScreen = own.skipped === stream.skipped && encoded > stream.encoded;
  return own.sent === stream.sent && seen > stream.seen && !stillScreen;
}

// Why the picture of our stream is not the service's latest; '' when it is.
function judgeStream(own, glint) {
  const encoded = glint.encoder.encoded;
  const seen = glint.ledger.seen;
  stream.polls++;
  if (!own) {
    // The service was restarted, or has closed a connection that nobody read from.
    if (stream.sent > 0 || stream.polls >= MISSING_POLLS)
      beginStream();
    return 'connecting';
  }
  stream.stuck = isStuck(own, encoded, seen) ? stream.stuck + 1 : 0;
  Object.assign(stream, { sent: own.sent, skipped: own.skipped, encoded, seen });
  if (own.sent === 0)
    return 'connecting';
  return stream.stuck >= STUCK_POLLS ? 'stuck' : '';
}

video.addEventListener('error', () => {
  stream.polls = MISSING_POLLS;	// begin another stream as soon as /state is without this one
});

// --- The state -----------------------------------------------------------------------

async function getState(query) {
  const reply = await fetch(new URL('state' + query, base), {
    cache: 'no-store',
    signal: AbortSignal.timeout(REPLY_MS),
  });
  return (await reply.json()).result;
}

const findOwn = state =>
  Object.values(state.stream.clients_stat).find(client => client.key === stream.key);

// The list in /state may be a part of all streams.
async function getStateWithOwn() {
  const state = await getState('');
  if (findOwn(state) || Object.keys(state.stream.clients_stat).length >= state.stream.clients)
    return state;
  return getState('?clients=all');
}

let timer = 0;
let round = 0;		// a reply to an earlier round is out of date
let replied = 0;	// when the last reply came; this clock also runs while the computer sleeps

async function poll() {
  const mine = ++round;
  clearTimeout(timer);
  if (Date.now() - replied > REPLY_MS)
    show('connecting', true);
  try {
    const state = await getStateWithOwn();
    if (mine !== round)
      return;
    replied = Date.now();
    const why = judgeStream(findOwn(state), state.glint);
    show(state.source.online ? why : state.glint.source.reason || 'not live');
    showFacts(state);
  } catch (error) {
    if (mine !== round)
      return;
    show('no connection', true);
  }
  timer = setTimeout(poll, POLL_MS);
}

// A page that sleeps wakes up with an old picture, and with older ones on their way.
function sleep() {
  round++;
  clearTimeout(timer);
  show('asleep', true);
}

function begin() {
  show('connecting', true);
  beginStream();
  poll();
}

document.addEventListener('freeze', sleep);
document.addEventListener('resume', begin);
window.addEventListener('pageshow', event => event.persisted && begin());
window.addEventListener('online', begin);

begin();
