#!/usr/bin/perl
# Goal: a change of a dossier that ends a term takes what is open of it away at once, read or mapped, and from open directories; a
# change that takes nothing away leaves what is open as it was opened.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('probe', 'faketime');
my $trial = Trial->new(programs => ['probe']);
$trial->at_time('2026-11-20 12:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};
my $probe = $trial->probe(INCASSO);
my $innen = "$mnt/huur-innen/2020-00001";

sub change { my ($csv) = @_; return $trial->import_csv("code,achternaam,einddatum\n$csv\n", '--update') }

is($probe->ask("open $_ $innen/achternaam.txt"), '0', "open $_") for 0, 1, 2, 3;
is($probe->ask('read 0'), "Noordstam\n", 'read');
is($probe->ask('map 1 shared') . $probe->ask('map 2 private') . $probe->ask('peek 1') . $probe->ask('peek 2'), "00Noordstam\nNoordstam\n", 'mapped');
is($probe->ask("open 4 $innen/rekeningnummer.txt") . $probe->ask('map 4 shared'), '00', 'an account');
is($probe->ask("open 5 $innen/dossier.txt"), '0', 'the whole dossier');
is($probe->ask("dir 6 $innen") . $probe->ask("dir 7 $mnt/huur-innen"), '00', 'directories');

change('2020-00001,Zuidstam,');
is(slurp_as(INCASSO, "$innen/achternaam.txt"), "Zuidstam\n", 'another name is there');
is($probe->ask('read 0'), "Noordstam\n", 'what is open is what was opened');
like($probe->ask('read 5'), qr/Noordstam/, 'the whole dossier too');
is($probe->ask("open 8 $innen/achternaam.txt") . $probe->ask('read 8'), "0Zuidstam\n", 'and what is opened now is the new one');

# Two years after its end the name is gone; the account is kept for seven.
change('2020-00001,,2024-01-31');
is(slurp_as(INCASSO, "$innen/achternaam.txt"), 'ENOENT', 'an end that was in the past: the name is gone');
# Pages are dropped by a thread of its own, in a moment.
ok(until_true(3, sub { $probe->ask("read $_") eq 'ESTALE' }), "from what was open before the last change, and the one before: $_") for 0, 3, 5, 8;
ok(until_true(3, sub { $probe->ask("fstat $_") eq 'ESTALE' }), "fstat $_") for 0, 8;
ok(until_true(3, sub { $probe->ask("peek $_") eq 'SIGBUS' }), "from the mapping $_") for 1, 2;
is($probe->ask('peek 4') . $probe->ask('read 4'), "NL54TEST3514607673\n" x 2, 'what still shows goes on');
is($probe->ask('list 6'), '. .. dossier.txt rekeningnummer.txt', 'the open directory is without it, within the same second');
is($probe->ask('list 7'), '. .. 2020-00001 2020-00002 2020-00003', 'the dossier is still there');

change('2020-00002,,1990-01-01');
$probe->ask('close 7');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00002/huur.txt"), 'ENOENT', 'one of which nothing is left');
is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00003', 'is in no listing');
is($probe->ask("dir 7 $mnt/huur-innen"), '0', 'a directory is open');
change('2020-00003,,1990-01-01');
is($probe->ask('list 7'), '. .. 2020-00001', 'nor in one that was opened before');

$probe->end;
is($trial->stop, 0, 'ends with 0');
done_testing;
