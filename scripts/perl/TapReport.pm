# SPDX-License-Identifier: MIT
#
# prove's formatter for scripts/check: prints each failure with its diagnostics and each skip
# with its reason, and appends "PASSED FAILED SKIPPED" to the file $TAP_COUNTS.
#
# A program without a plan, with fewer tests than planned, or with a bad exit status that no
# failed test explains, counts as one more failure.
use strict;
use warnings;

package TapReport;
use parent 'TAP::Formatter::Base';

sub open_test
{
	my ($self, $test, $parser) = @_;
	my $name = $test =~ s{^.*/t/(.*)\.t$}{$1}r;

	return TapReport::Session->new({ formatter => $self, name => $name, parser => $parser });
}

sub count
{
	my ($self, $kind) = @_;
	$self->{counts}{$kind}++;
}

sub summary
{
	my ($self, $aggregate) = @_;
	my @counts = map { $self->{counts}{$_} // 0 } qw(passed failed skipped);

	$self->_output(sprintf("%d programs, %s\n", scalar $aggregate->descriptions,
			       $aggregate->elapsed_timestr));
	open(my $file, '>>', $ENV{TAP_COUNTS}) or die "$ENV{TAP_COUNTS}: $!\n";
	print {$file} "@counts\n";
	close($file) or die "$ENV{TAP_COUNTS}: $!\n";
}

package TapReport::Session;
use parent -norequire, 'TAP::Formatter::Session';
use TAP::Formatter::Session;

use constant { CONTEXT_LINES => 20, LINE_LENGTH => 400 };

sub fail
{
	my ($self, $what) = @_;
	my @context = @{ $self->{context} // [] };

	$self->formatter->count('failed');
	$self->formatter->_output("FAILED $self->{name}: $what\n", map { "    $_\n" } @context);
	$self->{context} = [];
}

sub skip
{
	my ($self, $what) = @_;
	$self->formatter->count('skipped');
	$self->formatter->_output("SKIPPED $self->{name}: $what\n");
}

# Diagnostics that the program prints before a failed test help, too.
sub keep
{
	my ($self, $line) = @_;
	return if $line =~ /^\s*$/;
	push @{ $self->{context} }, substr($line, 0, LINE_LENGTH);
	shift @{ $self->{context} } if @{ $self->{context} } > CONTEXT_LINES;
}

sub test
{
	my ($self, $result) = @_;
	my $what = $result->description =~ s/^- //r;

	$self->{after_failure} = !$result->is_ok;
	if (!$result->is_ok) {
		$self->fail($what);
	} elsif ($result->has_skip) {
		$self->skip("$what -- " . $result->explanation);
	} else {
		$self->formatter->count('passed');
	}
	$self->{context} = [];
}

sub result
{
	my ($self, $result) = @_;

	if ($result->is_test) {
		$self->test($result);
	} elsif ($result->is_bailout) {
		$self->fail('bails out: ' . $result->explanation);
	} elsif ($result->is_comment && $self->{after_failure}) {
		$self->formatter->_output('    ' . $result->raw . "\n");
	} elsif (!$result->is_plan && !$result->is_version) {
		$self->keep($result->raw);
	}
}

sub close_test
{
	my ($self) = @_;
	my $parser = $self->parser;
	my @errors = $parser->parse_errors;

	if ($parser->skip_all && !$parser->exit) {
		$self->skip($parser->skip_all);
	} elsif (@errors) {
		$self->fail("$errors[0], exit status " . $parser->exit);
	} elsif (!$parser->failed && $parser->wait) {
		$self->fail('all its tests passed, but its exit status is ' . $parser->exit);
	}
	$self->parser(undef);
}

1;
