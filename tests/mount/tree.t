#!/usr/bin/perl
# Goal: everyone sees what the policy gives them and nothing else, by every call there is; what is hidden can't be told from
# what does not exist; directories look the same to everybody; ordinary programs work.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('probe');
my $trial = Trial->new(programs => ['probe']);
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};
my %probe = map { $_ => $trial->probe($_) } 0, INCASSO, KLANTCONTACT, OPZICHTER, STRANGER;
my $dossier = '2020-00001';

# ---- names and contents ------------------------------------------------------------------------------------------------

is(names_as(INCASSO, $mnt), '.trackerignore communicatie huur-innen mijn-toegang.txt', 'root of incasso');
is(names_as(OPZICHTER, $mnt), '.trackerignore mijn-toegang.txt onderhoud', 'root of opzichter');
is(names_as(STRANGER, $mnt), '.trackerignore mijn-toegang.txt', 'root of a stranger');
is(names_as(0, $mnt), '.trackerignore mijn-toegang.txt', 'root user without a role: no purposes');
is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00002 2020-00003', 'dossiers of incasso');
is(names_as(OPZICHTER, "$mnt/onderhoud"), '2020-00001 2020-00002', 'a dossier exists only for who sees something in it');
is(names_as(INCASSO, "$mnt/onderhoud"), 'ENOENT', 'a purpose that is not theirs');
is(names_as(STRANGER, "$mnt/huur-innen"), 'ENOENT', 'a stranger');
is(names_as(0, "$mnt/huur-innen"), 'ENOENT', 'root without a role');
is(names_as(INCASSO, "$mnt/huur-innen/$dossier"),
    'achternaam.txt dossier.txt geboortedatum.txt huur.txt rekeningnummer.txt', 'fields; empty ones are not there');
is(names_as(KLANTCONTACT, "$mnt/communicatie/$dossier"),
    'achternaam.txt dossier.txt geboortedatum.txt rekeningnummer.txt telefoon.txt', 'fields of klantcontact');
is(names_as(OPZICHTER, "$mnt/onderhoud/$dossier"), 'dossier.txt telefoon.txt', 'fields of opzichter');

my %content = (
    INCASSO, {'huur-innen' => {achternaam => 'Noordstam', geboortedatum => '1970-03-04', huur => '612.50',
            rekeningnummer => 'NL54TEST3514607673'},
        communicatie => {rekeningnummer => 'NL54TEST3514607673', telefoon => '+31612345678'}},
    KLANTCONTACT, {communicatie => {geboortedatum => '1970-**-**', telefoon => '+31612345678', achternaam => 'Noordstam'}},
    OPZICHTER, {onderhoud => {telefoon => '+31612345678'}},
);
for my $uid (sort keys %content) {
    for my $purpose (sort keys %{$content{$uid}}) {
        my $fields = $content{$uid}{$purpose};
        is(slurp_as($uid, "$mnt/$purpose/$dossier/$_.txt"), "$fields->{$_}\n", "$uid $purpose $_") for sort keys %$fields;
    }
}
my $masked = slurp_as(KLANTCONTACT, "$mnt/communicatie/$dossier/rekeningnummer.txt");
like($masked, qr/7673\n\z/, 'the last four of an account number');
unlike($masked, qr/3514|TEST/, 'and no more of it');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00003/achternaam.txt"), "van Égmondwei\n", 'UTF-8 as it was');
is(slurp_as(INCASSO, "$mnt/huur-innen/$dossier/dossier.txt"), <<'END', 'the whole dossier, with labels');
2020-00001

Achternaam:     Noordstam
Geboortedatum:  1970-03-04
Rekeningnummer: NL54TEST3514607673
Huur per maand: 612.50
END
like(slurp_as(KLANTCONTACT, "$mnt/communicatie/$dossier/dossier.txt"),
    qr/^Geboortedatum:  1970-\*\*-\*\*\nRekeningnummer: \S*7673$/m, 'the whole dossier is masked as its fields are');

# ---- who am I --------------------------------------------------------------------------------------------------------------

my $page = slurp_as(KLANTCONTACT, "$mnt/mijn-toegang.txt");
like($page, qr/uid 61002/, 'the own page: who');
like($page, qr/^Roles:\s+Klantcontact$/m, 'the own page: roles');
like($page, qr/^Secrecy:\s+bound$/m, 'the own page: secrecy');
like($page, qr/communicatie.*achternaam.*geboortedatum \(the year\)/s, 'the own page: what a purpose shows');
unlike($page, qr/onderhoud|huur-innen/, 'the own page: not the purposes of others');
like(slurp_as(STRANGER, "$mnt/mijn-toegang.txt"), qr/nothing shows to you/, 'the own page of a stranger');
slurp_as(KLANTCONTACT, "$mnt/communicatie/$dossier/huur.txt");
like(slurp_as(KLANTCONTACT, "$mnt/mijn-toegang.txt"), qr/communicatie\/2020-00001\/huur: /, 'the last refusal and why');
unlike(slurp_as(INCASSO, "$mnt/mijn-toegang.txt"), qr{communicatie/2020-00001/huur}, 'refusals are those of the caller');

# ---- listings are what can be opened ------------------------------------------------------------------------------------------

for my $uid (INCASSO, KLANTCONTACT, OPZICHTER) {
    for my $purpose (qw(huur-innen communicatie onderhoud)) {
        for my $code (qw(2020-00001 2020-00002 2020-00003 2020-00004)) {
            my $names = names_as($uid, "$mnt/$purpose/$code");
            my @opens = grep { slurp_as($uid, "$mnt/$purpose/$code/$_") !~ /^ENOENT$/ }
                map { "$_.txt" } qw(achternaam telefoon geboortedatum rekeningnummer huur einddatum dossier);
            is($names eq 'ENOENT' ? '' : $names, join(' ', sort @opens), "$uid $purpose/$code: listed is what opens");
        }
    }
}

# ---- hidden is absent -----------------------------------------------------------------------------------------------------------

# The names differ, and so do the reasons; no call may tell.
sub same_as_absent {
    my ($uid, $hidden, $absent, $what) = @_;
    my ($tried, $tried_absent) = map { $probe{$uid}->ask("try $mnt/$_") } $hidden, $absent;
    is($tried, $tried_absent, "$what: the same by every call");
    unlike($tried, qr/=0/, "$what: none of them works");
    my %errors = map { (split /=/)[1] => 1 } split ' ', $tried;
    is(join(' ', sort keys %errors), 'ENOENT', "$what: ENOENT");
    is($probe{$uid}->ask("write $mnt/$hidden"), $probe{$uid}->ask("write $mnt/$absent"), "$what: the same by every change");
    return;
}
for my $uid (KLANTCONTACT, STRANGER, 0) {
    same_as_absent($uid, 'huur-innen/2020-00001', 'huur-innen/2020-09999', "$uid, a dossier without a role");
    same_as_absent($uid, 'huur-innen/2020-00001/huur.txt', 'huur-innen/2020-09999/huur.txt', "$uid, a file below it");
}
same_as_absent(OPZICHTER, 'onderhoud/2020-00003', 'onderhoud/2020-09999', 'a dossier in which nothing shows');
same_as_absent(OPZICHTER, 'onderhoud/2020-00001/achternaam.txt', 'onderhoud/2020-00001/geenveld.txt',
    'a field outside the purpose, and a name that is no field');
same_as_absent(KLANTCONTACT, 'communicatie/2020-00001/huur.txt', 'communicatie/2020-00003/telefoon.txt',
    'a field outside the purpose, and an empty one');
same_as_absent(KLANTCONTACT, 'communicatie/2020-00001/betaling', 'communicatie/2020-00001/nee', 'a category');
same_as_absent(INCASSO, 'huur-innen/2020-00001/achternaam.TXT', 'huur-innen/2020-00001/x', 'other capitals');

# ---- odd names --------------------------------------------------------------------------------------------------------------------

for my $name ("\xff\xfe", "2020-00001\x01", '2020-00001.', ' 2020-00001', '2020-00001 ', "2020-0000\xc2\xb9", '%00', '..x',
    'desktop.ini', 'autorun.inf', 'a' x 255) {
    my $shown = $name =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger;
    my $tried = $probe{INCASSO()}->asked("try $mnt/huur-innen/$name");
    is($tried->{open}, 'ENOENT', 'name: ' . substr $shown, 0, 20);
}
for my $where ($mnt, "$mnt/huur-innen", "$mnt/huur-innen/$dossier") {
    is($probe{INCASSO()}->asked("try $where/" . 'a' x 256)->{open}, 'ENAMETOOLONG', 'an overlong name');
}
is($probe{INCASSO()}->asked("try $mnt/huur-innen/$dossier/huur.txt/x")->{open}, 'ENOTDIR', 'below a file');
is($probe{INCASSO()}->asked("try $mnt/huur-innen/../huur-innen/./$dossier/../$dossier/huur.txt")->{open}, '0', 'dots');

# ---- read-only ----------------------------------------------------------------------------------------------------------------------

for my $place ('', '/huur-innen', "/huur-innen/$dossier", "/huur-innen/$dossier/huur.txt") {
    my $tried = $probe{INCASSO()}->asked("write $mnt$place");
    # What the kernel answers before it looks whether the mount may be written.
    my %before = ('mkdir-here' => 'EEXIST');
    %before = (%before, tmpfile => 'ENOTDIR') if $place =~ /txt$/;
    %before = (%before, map { $_ => 'EISDIR' } qw(write readwrite append truncate)) if $place !~ /txt$/;
    my @odd = grep { $tried->{$_} !~ /^EROFS$/ && $tried->{$_} ne ($before{$_} // '') } sort keys %$tried;
    # Beside the root there is another file system.
    @odd = grep { !/^(?:creat|link|mkdir|mknod|rename|symlink|unlink)$/ } @odd if $place eq '';
    is(join(' ', map { "$_=$tried->{$_}" } @odd), '', "no change of /$place");
}

# ---- attributes ----------------------------------------------------------------------------------------------------------------------

my %seen;
for my $uid (INCASSO, KLANTCONTACT, OPZICHTER, STRANGER, 0) {
    $seen{root}{$probe{$uid}->ask("attr $mnt")}{$uid}++;
    $seen{purpose}{$probe{$uid}->ask("attr $mnt/$_") =~ s/ino=\d+ //r}{$uid}++ for qw(huur-innen communicatie onderhoud);
}
$seen{dossier}{$probe{INCASSO()}->ask("attr $mnt/huur-innen/$_") =~ s/ino=\d+ //r}++ for qw(2020-00001 2020-00002 2020-00003);
$seen{dossier}{$probe{KLANTCONTACT()}->ask("attr $mnt/communicatie/2020-00003") =~ s/ino=\d+ //r}++;
$seen{dossier}{$probe{OPZICHTER()}->ask("attr $mnt/onderhoud/2020-00001") =~ s/ino=\d+ //r}++;
is(scalar(keys %{$seen{$_}}), 1, "attributes of a directory do not depend on the caller: $_") for qw(root purpose dossier);
my ($attributes) = keys %{$seen{dossier}};
like($attributes, qr/^mode=40555 .*size=4096 nlink=2 /, 'a directory');

my $file = $probe{INCASSO()}->asked("attr $mnt/huur-innen/$dossier/huur.txt");
is("$file->{mode} $file->{size} $file->{nlink}", '100444 7 1', 'a file: mode, size, links');
ok($file->{mtime} > time - 3600 && $file->{mtime} < time + 60, 'its time is that of the capture');
my @inode = map { $probe{$_}->asked("attr $mnt/communicatie/$dossier/geboortedatum.txt")->{ino} } INCASSO, KLANTCONTACT, INCASSO;
is($inode[0], $inode[1], 'st_ino is that of the dossier and the leaf');
is($inode[0], $inode[2], 'and stable');
my %inodes = map { $probe{INCASSO()}->asked("attr $mnt/$_")->{ino} => 1 }
    ('', 'huur-innen', 'communicatie', 'mijn-toegang.txt', '.trackerignore', map { ("huur-innen/$_", "communicatie/$_",
        "huur-innen/$_/achternaam.txt", "huur-innen/$_/dossier.txt", "communicatie/$_/achternaam.txt") } qw(2020-00001 2020-00002));
is(scalar(keys %inodes), 15, 'no two have the same st_ino');
my (undef, $listed) = run({uid => INCASSO}, 'ls', '-i', "$mnt/huur-innen/$dossier");
like($listed, qr/^\s*$file->{ino} huur\.txt$/m, 'a listing has the number that stat has');

my ($status, $out) = run({uid => INCASSO}, 'stat', '-f', '-c', '%c %d %s %l', $mnt);
like($out, qr/^0 0 \d+ 255$/, 'statfs: no numbers of files');

# ---- mappings ---------------------------------------------------------------------------------------------------------------------------

my $mapper = $probe{INCASSO()};
for my $how (qw(shared private)) {
    is($mapper->ask("open 1 $mnt/huur-innen/$dossier/achternaam.txt"), '0', "opens to map $how");
    is($mapper->ask("map 1 $how"), '0', "maps $how, read-only");
    is($mapper->ask('peek 1'), "Noordstam\n", "reads it through the mapping");
    $mapper->ask('close 1');
}

# ---- a descriptor that is passed on -------------------------------------------------------------------------------------------------------

is(as_uid(INCASSO, sub {
    open my $handle, '<', "$mnt/huur-innen/$dossier/huur.txt" or return errno_of();
    # A worker of a file server reads as somebody else.
    my $pid = fork;
    if (!$pid) { eval { Trial::become(STRANGER) }; POSIX::_exit(0) }
    waitpid $pid, 0;
    return scalar <$handle>;
}), "612.50\n", 'content is bound to the handle');

# ---- ordinary programs ------------------------------------------------------------------------------------------------------------------------

sub works {
    my ($what, $pattern, @command) = @_;
    my ($exit, $stdout, $stderr) = run({uid => INCASSO, cwd => '/'}, @command);
    is("$exit $stderr", '0 ', "$what: no error");
    like($stdout, $pattern, "$what: its output") if $pattern;
    return;
}
my $copy = "$trial->{dir}/copy";
mkdir $copy;
chown INCASSO, INCASSO, $copy;
works('cat', qr/^Noordstam\n612\.50\n$/, 'cat', "$mnt/huur-innen/$dossier/achternaam.txt", "$mnt/huur-innen/$dossier/huur.txt");
works('grep -r', qr{2020-00002/rekeningnummer\.txt:NL65TEST3631929654}, 'grep', '-r', 'NL65', "$mnt/huur-innen");
works('find', qr{2020-00003/huur\.txt}, 'find', $mnt, '-type', 'f', '-name', '*.txt');
works('find -size', qr{^\S+/huur\.txt\n\z}, 'find', "$mnt/huur-innen/$dossier", '-size', '-8c', '-type', 'f');
works('cp -r', undef, 'cp', '-r', "$mnt/huur-innen", "$copy/cp");
works('cp -a', undef, 'cp', '-a', '--no-preserve=xattr', "$mnt/huur-innen/$dossier", "$copy/cpa");
works('tar', undef, 'tar', '-cf', "$copy/tar.tar", '-C', $mnt, 'huur-innen', 'communicatie');
works('tar -t', qr{huur-innen/2020-00001/huur\.txt}, 'tar', '-tf', "$copy/tar.tar");
works('diff -r', qr/^$/, 'diff', '-r', "$mnt/huur-innen", "$copy/cp");
works('ls -lR', qr/huur\.txt/, 'ls', '-lR', $mnt);
works('du', qr/huur-innen$/m, 'du', '-a', $mnt);
works('awk', qr/^1345\.60$/, 'awk', '{s += $1} END {printf "%.2f\n", s}', "$mnt/huur-innen/2020-00001/huur.txt",
    "$mnt/huur-innen/2020-00002/huur.txt");
works('wc -c of a redirected file', qr/^7$/, 'sh', '-c', "wc -c <$mnt/huur-innen/$dossier/huur.txt");
works('perl', qr/^Noordstam$/, 'perl', '-MPOSIX', '-e', 'open F, "<", shift; print <F>', "$mnt/huur-innen/$dossier/achternaam.txt");
is(as_uid(INCASSO, sub { chdir "$mnt/huur-innen/$dossier" or return errno_of(); require Cwd; my $r = Cwd::getcwd(); chdir '/'; $r }),
    "$mnt/huur-innen/$dossier", 'getcwd in a dossier');

$_->end for values %probe;
is($trial->stop, 0, 'ends with 0');
ok(!$trial->mounted, 'and is unmounted');
is($trial->said, '', 'and had nothing to complain of');
done_testing;
