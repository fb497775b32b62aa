#!/usr/bin/perl
# Goal: at the second its term ends, a field is gone from every listing, for every open, and for who holds it open or mapped;
# a dossier in which nothing is left is gone too; a clock set back only shows again what was hidden.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('probe', 'faketime');
# Two years after 22 November 2024 end with 22 November 2026, in Amsterdam; the books go on until the end of 2031.
my $trial = Trial->new(programs => ['probe'], csv => undef);
sub at_time { return $trial->at_time(@_) }

at_time('2026-11-20 12:00:00');
$trial->import_csv(<<'CSV');
code,achternaam,telefoon,geboortedatum,rekeningnummer,huur,einddatum
2020-00001,Noordstam,,1970-03-04,NL54TEST3514607673,612.50,2024-11-22
2020-00002,Quintbrugge,,1981-11-30,NL65TEST3631929654,733.10,2025-06-30
2020-00003,Verwegen,+31612345678,,,501.00,2024-11-22
CSV
at_time('2026-11-22 23:59:58');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};
my $probe = $trial->probe(INCASSO);
my $innen = "$mnt/huur-innen";

# ---- before --------------------------------------------------------------------------------------------------------------

at_time('2026-11-22 23:59:59');
is(names_as(INCASSO, $innen), '2020-00001 2020-00002 2020-00003', 'the last second: every dossier');
is(names_as(INCASSO, "$innen/2020-00001"),
    'achternaam.txt dossier.txt einddatum.txt geboortedatum.txt huur.txt rekeningnummer.txt', 'the last second: every field');
is(slurp_as(INCASSO, "$innen/2020-00001/achternaam.txt"), "Noordstam\n", 'the last second: opens');
my $whole = slurp_as(INCASSO, "$innen/2020-00001/dossier.txt");
like($whole, qr/Noordstam.*NL54TEST/s, 'the last second: the whole dossier');

# Everything that can be held: 0 a handle that was read, 1 one that wasn't, 2 and 3 mappings, 4 the whole dossier, 5 what stays;
# 6 a directory, 7 a mapping nobody touched.
is($probe->ask("open $_ $innen/2020-00001/achternaam.txt"), '0', "open $_") for 0, 1, 2, 3, 7;
is($probe->ask('read 0'), "Noordstam\n", 'read');
is($probe->ask('map 2 shared') . $probe->ask('map 3 private') . $probe->ask('map 7 shared'), '000', 'map');
is($probe->ask("peek $_"), "Noordstam\n", "peek $_") for 2, 3;
is($probe->ask("open 4 $innen/2020-00001/dossier.txt") . $probe->ask('read 4'), "0$whole", 'the whole dossier is open');
is($probe->ask("open 5 $innen/2020-00001/rekeningnummer.txt") . $probe->ask('map 5 shared'), '00', 'what stays is mapped');
is($probe->ask("dir 6 $innen"), '0', 'a directory is open');
like($probe->ask("attr $innen/2020-00001/achternaam.txt"), qr/size=10 /, 'stat');

# ---- gone ----------------------------------------------------------------------------------------------------------------

at_time('2026-11-23 00:00:00');
is(slurp_as(INCASSO, "$innen/2020-00001/achternaam.txt"), 'ENOENT', 'the first second after: no open');
is($probe->ask("attr $innen/2020-00001/achternaam.txt"), 'ENOENT', 'no stat');
is(names_as(INCASSO, "$innen/2020-00001"), 'dossier.txt rekeningnummer.txt', 'not in the listing; what has a longer term is');
is(slurp_as(INCASSO, "$innen/2020-00001/dossier.txt"), "2020-00001\n\nRekeningnummer: NL54TEST3514607673\n",
    'nor in the whole dossier');
is(slurp_as(INCASSO, "$innen/2020-00001/rekeningnummer.txt"), "NL54TEST3514607673\n", 'what has a longer term opens');
is(names_as(INCASSO, $innen), '2020-00001 2020-00002', 'a dossier with nothing left is in no listing');
is($probe->ask("try $innen/2020-00003"), $probe->ask("try $innen/2020-09999"), 'and not to be told from one that never was');
is(names_as(INCASSO, "$mnt/communicatie"), '2020-00001 2020-00002 2020-00003',
    'under another purpose, where something is left, it is there');
is($probe->ask('list 6'), '. .. 2020-00001 2020-00002', 'gone from a directory that was open');
is($probe->ask("read $_"), 'ESTALE', "an open handle: $_") for 0, 1, 4;
ok(until_true(3, sub { $probe->ask("peek 2") eq 'SIGBUS' }), 'a shared mapping');
ok(until_true(3, sub { $probe->ask("peek 3") eq 'SIGBUS' }), 'a private mapping');
is($probe->ask('peek 7'), 'SIGBUS', 'a mapping that was never touched');
is($probe->ask("fstat $_"), 'ESTALE', "fstat of an open handle: $_") for 0, 1, 4;
is($probe->ask('peek 5'), "NL54TEST3514607673\n", 'what stays, stays');
is($probe->ask('read 5'), "NL54TEST3514607673\n", 'also for reading');

# ---- the clock is set back --------------------------------------------------------------------------------------------------

at_time('2026-11-22 23:59:59');
is(slurp_as(INCASSO, "$innen/2020-00001/achternaam.txt"), "Noordstam\n", 'the clock set back: it shows again');
is(names_as(INCASSO, $innen), '2020-00001 2020-00002 2020-00003', 'and is listed');
is($probe->ask('read 0'), "Noordstam\n", 'the old handle reads again');
is($probe->ask('close 1') . $probe->ask("open 1 $innen/2020-00001/achternaam.txt") . $probe->ask('map 1 shared'), '000', 'maps');
is($probe->ask('peek 1'), "Noordstam\n", 'and reads it');
is($probe->ask('peek 2'), "Noordstam\n", 'the old mapping too');

# The daemon finds out by itself, when nobody asks it anything.
at_time('2026-11-23 00:00:00');
ok(until_true(3, sub { $probe->ask('peek 1') eq 'SIGBUS' }), 'hidden again with nobody asking: a new mapping');
ok(until_true(3, sub { $probe->ask('peek 2') eq 'SIGBUS' }), 'and the old one, whose node was retired long ago');
is($probe->ask('read 0'), 'ESTALE', 'and the old handle');

# ---- content that a change made old ends with its term too -----------------------------------------------------------------------

at_time('2027-06-30 12:00:00');
is($probe->ask("open 8 $innen/2020-00002/achternaam.txt") . $probe->ask('map 8 shared'), '00', 'opens and maps');
my ($status, $out, $err) = $trial->dossier({uid => BEHEER, stdin => <<'CSV'}, 'import', '--update', '-');
code,achternaam,telefoon,geboortedatum,rekeningnummer,huur,einddatum
2020-00002,Quintbrugge-Nieuw,,1981-11-30,NL65TEST3631929654,733.10,2025-06-30
CSV
is("$status $err", '0 ', 'an update');
is($probe->ask('peek 8'), "Quintbrugge\n", 'the mapping keeps what it was opened on');
is($probe->ask('read 8'), "Quintbrugge\n", 'and the handle');
is(slurp_as(INCASSO, "$innen/2020-00002/achternaam.txt"), "Quintbrugge-Nieuw\n", 'who opens now gets the new one');
at_time('2027-07-01 00:00:00');
ok(until_true(3, sub { $probe->ask('peek 8') eq 'SIGBUS' }), 'the older content ends with its term');
is($probe->ask('read 8'), 'ESTALE', 'for the handle too');

# ---- terms from capture, exact to the second ---------------------------------------------------------------------------------------

# Captured at 2026-11-20 12:00:00, kept for thirty days.
at_time('2026-12-20 11:59:59');
is(slurp_as(INCASSO, "$mnt/communicatie/2020-00003/telefoon.txt"), "+31612345678\n", 'thirty days after capture, less a second');
at_time('2026-12-20 12:00:00');
is(slurp_as(INCASSO, "$mnt/communicatie/2020-00003/telefoon.txt"), 'ENOENT', 'thirty days after capture');
is(names_as(INCASSO, "$mnt/communicatie"), '2020-00001 2020-00002', 'and the dossier with it');

$probe->end;
is($trial->stop, 0, 'ends with 0');
is($trial->said, '', 'and had nothing to complain of');
done_testing;
