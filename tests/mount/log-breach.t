#!/usr/bin/perl
# Goal: for the notification of a breach the log tells how many people, at least and at most, which kinds of data, when, and how
# long there is left; for a person, a program, a dossier and a period.
use strict;
use warnings;
use lib 'tests/mount/lib';
use JSON::PP;
use Test::More;
use Trial;

Trial::needs('faketime');
my $trial = Trial->new;
my $mnt = $trial->{mnt};
$trial->at_time('2026-11-22 10:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt") for 1 .. 3;
slurp_as(INCASSO, "$mnt/huur-innen/2020-00002/achternaam.txt");
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/telefoon.txt");
$trial->at_time('2026-11-22 11:00:00');
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00003/achternaam.txt");
slurp_as(STRANGER, "$mnt/huur-innen/2020-00003/huur.txt");

sub breach {
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'breach', @_);
    is($status, 0, "breach @_: exit 0") or diag($err);
    return $out;
}
sub json { return decode_json(breach('--json', @_)) }

my $of_incasso = json('--user', INCASSO, '--noticed', '2026-11-22 12:00');
is("$of_incasso->{persons}{minimum} $of_incasso->{persons}{maximum}", '2 2', 'two people');
my %by = map { $_->{category} => $_->{persons} } @{$of_incasso->{categories}};
my %truth;
for my $entry (grep { $_->{uid} == INCASSO && $_->{what} eq 'field' } $trial->log_entries) { $truth{$entry->{name}}{$entry->{subject}}++ }
is_deeply(\%by, {map { $_->[1] => scalar keys %{$truth{$_->[0]}} } ['huur', 'contract'], ['achternaam', 'naam']},
    'each kind of data, and of how many') or diag(explain(\%by));
is_deeply([map { $_->{dossier} } @{$of_incasso->{dossiers}}], ['2020-00001', '2020-00002'], 'and of whom');
is($of_incasso->{timeline}{notify_before}, '2026-11-25T12:00:00.000+01:00', '72 hours after it was noticed');
is($of_incasso->{timeline}{first}, '2026-11-22T10:00:00.000+01:00', 'from when');
my $stranger = json('--user', STRANGER);
is("$stranger->{persons}{minimum} $stranger->{persons}{maximum} $stranger->{records}{refused}", '0 1 1', 'only refused: nobody, or one');
my $late = json('--user', KLANTCONTACT, '--from', '2026-11-22 10:30', '--to', '2026-11-22 11:30');
is_deeply([map { $_->{dossier} } @{$late->{dossiers}}], ['2020-00003'], 'in a period');
is(json('--dossier', '2020-00001')->{persons}{minimum}, 1, 'of one dossier');
is(json('--program', 'no-such')->{records}{entries}, 0, 'by a program that did nothing');
ok(json('--program', 'log-breach.t')->{records}{entries} + json('--program', 'perl')->{records}{entries} > 0, 'by this one');
names_as(INCASSO, "$mnt/huur-innen");
my $listed = json('--user', INCASSO);
is("$listed->{persons}{minimum} $listed->{persons}{maximum}", '2 3', 'a list of codes was shown: at most everybody');
my $text = breach('--user', INCASSO, '--noticed', '2026-11-22 12:00', '--dossiers');
like($text, qr/^persons +at least 2 .*, at most 3 \(a list of dossiers was shown\)$/m, 'for people: how many');
like($text, qr/^notify the authority before 2026-11-25 12:00:00: 73 hours left$/m, 'how long there is left');
like($text, qr/^2020-00002 +yes +\S+ /m, 'and each dossier');
like(breach('--noticed', '2026-11-01'), qr/was to be notified before 2026-11-04 00:00:00: \d+ hours ago/, 'or that it is late');
my ($status, $out, $err) = $trial->dossier({uid => INCASSO}, 'log', 'breach');
is("$status $out", '1 ', 'it is not for everybody');
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'breach', '--noticed', 'x'))[0], 2, 'no time: exit 2');
is($trial->stop, 0, 'ends with 0');
done_testing;
