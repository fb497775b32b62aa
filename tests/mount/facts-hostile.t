#!/usr/bin/perl
# Goal: what a hostile user tries around the register: what is blocked is gone from what he has open, mapped and listed; a command
# tells nobody without a right whether a dossier exists, and every try is in the log; nobody fills a dossier's register up.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('probe', 'faketime');
my $policy = Trial::small_policy();
$policy =~ s/(purposes = communicatie\nmask)/purposes = communicatie, nieuwsbrief, hulp, redding\nmask/ or die;
$policy =~ s/^(commands = log\..*)$/$1, fact.*/m or die;
$policy =~ s/^\[role klantcontact\]/<<'MORE' . '[role klantcontact]'/me or die;
[purpose nieuwsbrief]
ground = D
kinds  = huurder
fields = telefoon
[purpose hulp]
ground    = C
balancing = weighed in the trial
kinds     = huurder
fields    = achternaam, telefoon
[purpose redding]
ground = E
kinds  = huurder
fields = telefoon, achternaam
MORE
my $trial = Trial->new(policy => $policy, programs => ['probe']);
$trial->at_time('2026-11-20 12:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};

sub fact {
    my ($uid, @words) = @_;
    my ($status, $out, $err) = $trial->dossier({uid => $uid}, 'fact', @words);
    return wantarray ? ($status, "$out$err") : $status;
}
sub sets { return fact(FUNCTIONARIS, 'set', @_, '--reason', 'asked by letter') }

# Pages are dropped by a thread of its own, in a moment.
sub gone { my ($probe, $command, $name) = @_; return ok(until_true(3, sub { $probe->ask($command) eq 'ESTALE' }), $name) }

# ---- what is open ------------------------------------------------------------------------------------------------------------

is(scalar sets('consent', '2020-00001', 'nieuwsbrief'), 0, 'a consent');
my $klant = $trial->probe(KLANTCONTACT);
my $hulp = "$mnt/hulp/2020-00001";
is($klant->ask("open 0 $hulp/achternaam.txt") . $klant->ask('read 0'), "0Noordstam\n", 'a name is open');
is(join('', map { $klant->ask($_) } "open 1 $hulp/achternaam.txt", 'map 1 shared', 'peek 1'), "00Noordstam\n", 'and mapped');
is(join('', map { $klant->ask($_) } "open 2 $hulp/achternaam.txt", 'map 2 private', 'peek 2'), "00Noordstam\n", 'also privately');
is($klant->ask("open 3 $hulp/dossier.txt"), '0', 'and the whole dossier');
is($klant->ask("open 4 $mnt/nieuwsbrief/2020-00001/telefoon.txt") . $klant->ask('read 4'), "0+31612345678\n", 'and what rests on a consent');
is($klant->ask("open 5 $mnt/communicatie/2020-00001/achternaam.txt"), '0', 'and the same name for another purpose');
is($klant->ask("dir 6 $mnt/nieuwsbrief") . $klant->ask("dir 7 $mnt/hulp"), '00', 'and directories');
is(scalar sets('objection', '2020-00001', 'hulp'), 0, 'an objection is registered');
gone($klant, "read $_", "an open handle: $_") for 0, 1, 3;
gone($klant, "fstat $_", "fstat: $_") for 0, 3;
ok(until_true(3, sub { $klant->ask("peek $_") eq 'SIGBUS' }), "a mapping: $_") for 1, 2;
is($klant->ask('read 5'), "Noordstam\n", 'what is not objected to goes on');
is($klant->ask('list 7'), '. .. 2020-00002 2020-00003', 'an open directory is without it');
is($klant->ask('read 4'), "+31612345678\n", 'what rests on a consent goes on');
is(scalar fact(FUNCTIONARIS, 'end', 'consent', '2020-00001', 'nieuwsbrief'), 0, 'until it is withdrawn');
gone($klant, 'read 4', 'then it is gone');
is($klant->ask('list 6'), '. ..', 'from the open directory too');
is(scalar sets('restriction', '2020-00001', 'naam'), 0, 'a restriction');
gone($klant, 'read 5', 'takes the other purpose too');

# A change that takes nothing away, of something open since before another change.
is($klant->ask("open 8 $mnt/communicatie/2020-00002/achternaam.txt"), '0', 'a name of another');
is(scalar sets('objection', '2020-00002', 'hulp'), 0, 'an objection to another purpose');
is($klant->ask('read 8'), "Quintbrugge\n", 'changes nothing for this one');
is(scalar sets('restriction', '2020-00002', 'naam'), 0, 'and then a restriction');
gone($klant, 'read 8', 'of what is open since two versions');

# ---- who has no right learns nothing -------------------------------------------------------------------------------------------

my ($there, $nowhere) = ('2020-00003', '2020-77777');
for my $words (['end', 'calamity', 'CODE', 'redding'], ['set', 'calamity', 'CODE', 'redding', '--reason', 'x'],
    ['end', 'objection', 'CODE', 'hulp'], ['list', 'all', 'CODE'], ['review', 'CODE', '1']) {
    my @there   = fact(STRANGER, map { $_ eq 'CODE' ? $there : $_ } @$words);
    my @nowhere = fact(STRANGER, map { $_ eq 'CODE' ? $nowhere : $_ } @$words);
    is_deeply(\@there, \@nowhere, "@$words: the same answer for a dossier that is there and one that is not") or diag(@there, @nowhere);
    is($there[0], 1, "@$words: refused");
}
my @tries = grep { $_->{uid} == STRANGER && "$_->{outcome} $_->{rule}" eq 'gap no-account' } $trial->log_entries('--user', STRANGER);
is(scalar(grep { $_->{what} eq 'calamity' } @tries), 2, 'a calamity that was refused is in the log, for both');
cmp_ok(scalar(@tries), '>=', 4, 'and so are the others');

# Over and over: counted, and not an entry each.
my $before = () = $trial->log_lines('--user', STRANGER);
fact(STRANGER, 'set', 'calamity', $there, 'redding', '--reason', 'x') for 1 .. 20;
fact(STRANGER, 'end', 'calamity', $there, 'redding') for 1 .. 20;
my $after = () = $trial->log_lines('--user', STRANGER);
cmp_ok($after - $before, '<', 5, 'forty more tries make no forty entries');

# Whose role has the purpose may try codes; each try is in the log, whether or not there is a dossier.
is(scalar fact(KLANTCONTACT, 'set', 'calamity', $nowhere, 'redding', '--reason', 'fire'), 1, 'a calamity of a dossier that is not there');
my @guesses = grep { $_->{outcome} eq 'refused' } $trial->log_entries('--user', KLANTCONTACT, '--what', 'calamity');
is(scalar @guesses, 1, 'is in the log');

# ---- nobody fills it up --------------------------------------------------------------------------------------------------------

my $declared = 0;
for (1 .. 40) { $declared++ if fact(KLANTCONTACT, 'set', 'calamity', $there, 'redding', '--reason', 'again') == 0 }
cmp_ok($declared, '>=', 1, "declared $declared times");
is(scalar sets('restriction', $there, 'naam'), 0, 'and yet what the officer registers has room');
is(scalar sets('objection', $there, 'hulp'), 0, 'more than once');
my ($status, $text) = fact(KLANTCONTACT, 'set', 'calamity', $there, 'redding', '--reason', 'again');
is($status, 2, 'while no more calamities have');
like($text, qr/wait for a review/, 'which is said');

$klant->end;
$trial->stop;
done_testing;
