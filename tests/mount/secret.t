#!/usr/bin/perl
# slow
# Goal: nothing of what is kept can be found in the store's files, written as it may be; and the daemon is a process that can do
# little and that nobody can look into.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use lib 'tests/mount/lib';
use Encode qw(decode encode);
use File::Find;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Trial;

Trial::needs();
my $trial = Trial->new(policy_file => Trial::example_policy(), csv => undef);
my ($mnt, $store) = @$trial{qw(mnt store)};
my (undef, $csv) = run({}, $trial->bin('sample-data'), '--count', 80, '--today', (split /T/, POSIX::strftime('%FT', localtime))[0]);
my @lines = map { [split /,/, $_, -1] } split /\n/, $csv;
my @header = @{shift @lines};
cmp_ok(scalar(@lines), '==', 80, 'sample data') or BAIL_OUT($csv);

# ---- what to look for --------------------------------------------------------------------------------------------------------

# Each value as it was delivered, and without blanks and dashes as it may be stored; codes, users, file and field names.
my %values;
for my $line (@lines) {
    for my $value (map { s/^"|"$//gr } @$line) {
        $values{$_} = 1 for $value, $value =~ s/[ ()-]//gr, $value =~ /@/ ? lc $value : ();
    }
    my ($telephone) = map { s/\D//gr } grep { /^\+31|^0\d/ } @$line;
    $values{'+31' . $telephone =~ s/^(?:31|0)+//r} = 1 if $telephone;
}
my $source = 'bestand-van-de-verhuurafdeling.csv';
$values{$_} = 1 for $source, $source =~ s/\.csv//r, 'rekeningnummer', 'achternaam', 'geboortedatum', 'huur-innen', 'incasso',
    'mijn-toegang', 'klantcontact', 'contractnummer', '2031-98765';
# Shorter ones could be there by chance.
my @values = grep { length >= 6 } keys %values;

# The value in each way of writing that a program may have.
sub forms_of {
    my ($value) = @_;
    my $text = decode('UTF-8', $value);
    my @raw = ($value, encode('UTF-16LE', $text), encode('UTF-16BE', $text));
    my $latin = eval { encode('cp1252', $text, Encode::FB_CROAK) };
    push @raw, $latin if defined $latin;
    my @forms = @raw;
    for my $raw (@raw) {
        push @forms, lc(unpack 'H*', $raw), uc(unpack 'H*', $raw);
        for my $shift (0 .. 2) {
            # What surrounds it is not known: only the characters that belong to it alone.
            my $written = encode_base64(("\0" x $shift) . $raw, '') =~ s/=+$//r;
            my $bits = 8 * ($shift + length $raw);
            push @forms, substr $written, $shift == 0 ? 0 : $shift + 1, int($bits / 6) - ($shift == 0 ? 0 : $shift + 1);
        }
    }
    return grep { length >= 6 } @forms;
}
my %forms;
for my $value (@values) {
    $forms{$_} = $value for forms_of($value);
}
delete @forms{grep { /\n/ } keys %forms}; # the search goes by lines
my $patterns = Trial::write_file("$trial->{dir}/patterns", join "\n", sort keys %forms);

# Those of the files in which one of the forms is, with the value.
sub found_in {
    my (@files) = @_;
    my ($status, $out, $err) = run({env => {LC_ALL => 'C'}}, 'grep', '-a', '-o', '-H', '-Z', '-F', '-f', $patterns, @files);
    cmp_ok($status, '<', 2, 'the search works') or diag($err);
    my %found;
    while ($out =~ /\G([^\0]+)\0(.*)\n/g) {
        $found{$1} //= $forms{$2} // '?';
    }
    return %found;
}
cmp_ok(scalar(keys %forms), '>', 5000, scalar(@values) . ' values in ' . keys(%forms) . ' ways of writing');
# The search has to find what is there.
my @planted;
for my $value (@values[0 .. 19]) {
    my $hidden = join '', map { chr int rand 256 } 1 .. 1000;
    for my $written ($value, unpack('H*', $value), encode('UTF-16LE', decode('UTF-8', $value)),
        map { encode_base64('q' x $_ . $value . 'xyz', '') } 0 .. 2) {
        push @planted, Trial::write_file("$trial->{dir}/planted-" . @planted, $hidden . $written . $hidden);
    }
}
my %planted = found_in(@planted);
is(scalar(keys %planted), 120, 'the search finds what is planted');
unlink @planted;

sub search {
    my ($when) = @_;
    my @files;
    find({no_chdir => 1, wanted => sub { push @files, $_ if -f && -s _ }}, $store);
    cmp_ok(scalar(@files), '>=', 6, "$when: files searched: " . @files);
    # The names too.
    my $names = Trial::write_file("$trial->{dir}/names", join "\n", map { s{^\Q$store\E}{}r } @files);
    my %found = found_in(@files, $names);
    is(join("\n", map { "$_: a form of \"$found{$_}\"" } sort keys %found), '', "$when: nothing is found");
    return;
}

# ---- import, read, refuse, search ------------------------------------------------------------------------------------------------

sub part { return join "\n", join(',', @header), (map { join ',', @$_ } @lines[$_[0] .. $_[1]]), '' }
Trial::write_file("$trial->{dir}/$source", part(0, 59));
$trial->must('import', '--kind', 'huurder', "$trial->{dir}/$source");
search('after an import without the daemon');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
$trial->import_csv(part(60, 79), '--source', $source);
for my $uid (INCASSO, KLANTCONTACT, OPZICHTER, STRANGER) {
    run({uid => $uid}, 'grep', '-r', 'zoeken', $mnt);
    run({uid => $uid}, 'find', "$mnt/huur-innen", "$mnt/communicatie", "$mnt/onderhoud", '-size', '+1');
    slurp_as($uid, "$mnt/huur-innen/$lines[0][0]/rekeningnummer.txt");
    slurp_as($uid, "$mnt/huur-innen/2031-98765/rekeningnummer.txt");
    slurp_as($uid, "$mnt/mijn-toegang.txt");
}
cmp_ok(scalar($trial->log_entries), '>', 100, 'there was something to log');
ok((grep { -s } glob "$store/*-wal"), 'the database has a journal meanwhile');
search('while it is mounted');

# ---- the process -----------------------------------------------------------------------------------------------------------------------

my $pid = $trial->{daemon};
my %status = map { /^(\w+):\s*(.*)/ ? ($1 => $2) : () } split /\n/, Trial::read_file("/proc/$pid/status");
is($status{Uid}, join("\t", (OWNER) x 4), 'the daemon is the owner of the store, and nobody else');
is($status{Gid}, join("\t", (OWNER) x 4), 'in its group');
is($status{Groups} =~ s/\s//gr, '', 'and in no other');
is($status{$_} =~ s/^0+$/0/r, '0', "no capabilities: $_") for qw(CapInh CapPrm CapEff CapBnd CapAmb);
is($status{NoNewPrivs}, 1, 'no new privileges');
# A sanitizer locks nothing, and its shadow of the memory is without end.
my $sanitized = Trial::read_file($trial->bin('dossierfs')) =~ /__asan_init/;
SKIP: {
    skip 'built with a sanitizer', 1 if $sanitized;
    cmp_ok($status{VmLck} =~ s/ kB//r, '>', 0, "memory is locked: $status{VmLck}");
}
like(Trial::read_file("/proc/$pid/limits"), qr/^Max core file size\s+0\s+0\s/m, 'no core dumps');
is((stat "/proc/$pid/mem")[4], 0, 'not dumpable');
for my $file (qw(mem maps environ auxv)) {
    isnt(as_uid(OWNER, sub { open my $f, '<', "/proc/$pid/$file" or return errno_of(); sysread($f, my $x, 1) // errno_of() }),
        '1', "its own uid can not look into it: $file");
}
is(as_uid(OWNER, sub { opendir my $d, "/proc/$pid/fd" or return errno_of(); 'open' }), 'EACCES', 'nor at its descriptors');
is((stat "/proc/$trial->{keeper}/mem")[4], 0, 'nor can others into the keeper');

# The memory of a process, as root sees it: the key file's bytes served their purpose.
sub memory_has {
    my ($process, $bytes) = @_;
    open my $memory, '<:raw', "/proc/$process/mem" or die "$process: $!";
    my $tail = '';
    for my $range (split /\n/, Trial::read_file("/proc/$process/maps")) {
        my ($from, $to, $mode) = $range =~ /^([0-9a-f]+)-([0-9a-f]+) (\S+)/ or next;
        next if $mode !~ /^r/ || $range =~ /\[v(?:var|syscall|dso)/;
        my $at = hex $from;
        while ($at < hex $to) {
            sysseek $memory, $at, 0 or last;
            my $length = hex($to) - $at > 1 << 20 ? 1 << 20 : hex($to) - $at;
            sysread $memory, my $block, $length or last;
            return 1 if index($tail . $block, $bytes) >= 0;
            $tail = substr $block, -64;
            $at += $length;
        }
        $tail = '';
    }
    return 0;
}
my $key = Trial::read_file($trial->{key});
is(length $key, 32, 'the key file');
SKIP: {
    skip 'built with a sanitizer', 3 if $sanitized;
    ok(memory_has($$, $key), 'a search of memory finds what is there');
    ok(!memory_has($trial->{keeper}, $key), 'the keeper has forgotten the key');
    ok(!memory_has($pid, $key), 'the daemon has forgotten the key file');
}
unlike(Trial::read_file("/proc/$pid/cmdline") . Trial::read_file("/proc/$pid/environ"), qr/\Q$key\E/, 'it is in no argument');
my @open = map { readlink // '' } glob "/proc/$pid/fd/*";
is(scalar(grep { /\Q$trial->{key}\E|many\.csv/ } @open), 0, 'nor is its file open');
is(scalar(grep { m{/dev/fuse} } map { readlink // '' } glob "/proc/$trial->{keeper}/fd/*"), 0, 'the keeper holds no end of the mount');
is(scalar(grep { !/^\Q$store\E(?:\/|$)|^(?:pipe|socket|anon_inode):|^\/dev\/(?:fuse|null)|^\Q$trial->{dir}\E\/said$|^\/proc\/self/ } @open), 0,
    'the daemon has nothing open but its own') or diag(join "\n", @open);

is($trial->stop, 0, 'ends with 0');
search('after its end');
my @modes = grep { (lstat)[2] & 0027 } $store, map { glob "$_/* $_/*/*" } $store;
is("@modes", '', 'nobody else may read or write the files');
my @owners = grep { (lstat)[4] != OWNER } $store, map { glob "$_/* $_/*/*" } $store;
is("@owners", '', 'which are all of the owner');
is_deeply({found_in("$trial->{dir}/said")}, {}, 'and no message names anything of it');
done_testing;
