#!/usr/bin/perl
# slow
# Goal: when the disk is full and the log can't be written, nothing is opened any more, and nothing else breaks; the daemon says
# why, once; it goes on by itself when there is room; no entry that was acknowledged is lost.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Time::HiRes qw(sleep time);
use Trial;

Trial::needs('probe');
my $disk = File::Temp::mkdtemp('/var/tmp/dossierfs-disk-XXXXXX');
system('mount', '-t', 'tmpfs', '-o', 'size=8m,mode=755', 'tmpfs', $disk) == 0 or plan skip_all => 'no tmpfs can be mounted';
END { system('umount', '-l', $disk), rmdir $disk if $disk && $$ == Trial::owner() }

my $trial = Trial->new(programs => ['probe'], store_on => $disk);
my $mnt = $trial->{mnt};
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $probe = $trial->probe(INCASSO);
my $file = "$mnt/huur-innen/2020-00001/huur.txt";
is($probe->ask("open 0 $file"), '0', 'opens while there is room');
my $opens = 1;

# Opens until one fails, at most so many; what it failed with, or 0.
sub open_on {
    my ($most) = @_;
    my ($got, $error) = as_uid(INCASSO, sub {
        my $got = 0;
        for (1 .. $most) {
            open my $handle, '<', $file or return ($got, errno_of());
            $got++;
        }
        return ($got, '0');
    });
    $opens += $got;
    return $error;
}

# ---- full ------------------------------------------------------------------------------------------------------------

sub fill {
    open my $ballast, '>>', "$disk/ballast" or die;
    my $block = 'x' x 4096;
    1 while (syswrite($ballast, $block) // 0) == 4096;
    return;
}
fill();
is(open_on(100), '0', 'the segment has room of its own when the disk is full');
$trial->forget_said;
my ($error, $rounds) = ('0', 0);
while ($error eq '0' && $rounds++ < 60) {
    $error = open_on(3000);
    fill();
}
is($error, 'EIO', "and when that is used up (after $opens opens), opens answer EIO");
is(open_on(1), 'EIO', 'again and again') for 1 .. 5;
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/dossier.txt"), 'EIO', 'the whole dossier too');
is(names_as(INCASSO, "$mnt/huur-innen"), 'EIO', 'no listing');
is(slurp_as(INCASSO, "$mnt/mijn-toegang.txt"), 'EIO', 'not the own page either');
is(names_as(FUNCTIONARIS, "$mnt/processing-log"), 'EIO', 'nor the log as files');
is($probe->ask('read 0'), "612.50\n", 'what was open is still read');
like($probe->ask("attr $file"), qr/^mode=100444 size=7 /, 'stat answers');
is($probe->ask("attr $mnt/huur-innen/2020-00009"), 'ENOENT', 'and so does a look at nothing');
is(slurp_as(STRANGER, $file), 'ENOENT', 'a refusal is a refusal');
my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'show');
isnt($status, 0, 'a command that can not be logged is not done');
like($err, qr/log/, 'and says why');
my @said = grep { /log: can't be written/ } split /\n/, $trial->said;
cmp_ok(scalar(() = $trial->said =~ /checkpoints can't be signed/g), '<=', 1, 'that nothing can be signed is said once, if at all');
is(scalar(@said), 1, 'the daemon says so once') or diag($trial->said);
like($said[0] // '', qr/No space left|full/, 'and why');

# ---- room again ------------------------------------------------------------------------------------------------------------

truncate "$disk/ballast", 0 or die;
ok(until_true(5, sub { open_on(1) eq '0' }), 'opens work again when there is room, without a restart');
is(open_on(500), '0', 'and go on');
is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00002 2020-00003', 'listings too');
is($trial->verify, 5, 'the log is in order');
# The index of the log wants room of its own; the segment took what there was.
system('mount', '-o', 'remount,size=40m', $disk) == 0 or die;
my $entries = grep { /"name":"huur"/ } $trial->log_lines('--what', 'field', '--user', INCASSO);
is($entries, $opens, 'as many entries as opens that were answered');

# ---- an import on a full disk ---------------------------------------------------------------------------------------------

fill();
my $many = join '', "code,achternaam,huur,einddatum\n", map { sprintf "2021-%05d,Verhulst,1.00,\n", $_ } 1 .. 20000;
($status, $out, $err) = $trial->dossier({uid => BEHEER, stdin => $many}, 'import', '-');
cmp_ok($status, '>', 0, 'an import that finds no room fails') or diag("$out$err");
like($err, qr/No space left|full/, 'and says why');
is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00002 2020-00003', 'nothing of it shows');
is(slurp_as(INCASSO, $file), "612.50\n", 'what was there is still read');
$opens++;
truncate "$disk/ballast", 0 or die;
($status, $out, $err) = $trial->dossier({uid => BEHEER, stdin => $many =~ s/(.*?\n){1000}\K.*//sr}, 'import', '-');
is("$status $err", '0 ', 'and works when there is room') or diag($trial->said);
is(slurp_as(INCASSO, "$mnt/huur-innen/2021-00999/huur.txt"), "1.00\n", 'and shows');
$opens++;

$probe->end;
is($trial->stop, 0, 'ends with 0');
is($trial->verify, 5, 'the log is in order');
ok($trial->start, 'and starts again') or diag($trial->said);
is($trial->stop, 0, 'ends with 0');
done_testing;
