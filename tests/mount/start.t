#!/usr/bin/perl
# slow
# Goal: what can't be started says so in one clear line, exits with 2 and leaves everything as it was; every way of starting and
# ending works.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Digest::SHA;
use File::Find;
use Test::More;
use Trial;

Trial::needs();
my $trial = Trial->new;
my ($dir, $mnt, $store, $key, $policy) = @$trial{qw(dir mnt store key policy)};
my $other = Trial->new(csv => undef);
my @control = ('--control', $trial->{control});
my @usual = ('-s', $store, '-p', $policy, '-k', $key, @control);

# Everything there is in a directory: names, owners, modes, contents.
sub state_of {
    my ($where) = @_;
    my @state;
    find({no_chdir => 1, wanted => sub {
        my @is = lstat;
        push @state, join ' ', $_, @is[2, 4, 5], -f _ ? ($is[7], Digest::SHA->new(256)->addfile($_)->hexdigest) : ();
    }}, $where);
    return join "\n", sort @state;
}

sub daemon_run { return run({cwd => $dir}, 'timeout', '-k', '5', '20', $trial->bin('dossierfs'), @_) }

# In the foreground and in the background.
sub refuses {
    my ($what, $pattern, @arguments) = @_;
    my $before = state_of($store);
    for my $foreground ('-f', ()) {
        my ($status, $out, $err) = daemon_run($foreground, @arguments);
        is("$status $out", '2 ', "$what: exit 2");
        my @lines = split /\n/, $err;
        is(scalar(@lines), 1, "$what: one line") or diag($err);
        like($err, $pattern, "$what: which says what");
        last unless $foreground;
    }
    my ($status, $out, $err) = daemon_run(@arguments);
    is("$status $out", '2 ', "$what: exit 2 in the background too");
    like($err, $pattern, "$what: and the same line");
    ok(!$trial->mounted, "$what: nothing is mounted");
    is(state_of($store), $before, "$what: nothing is changed");
    return;
}

# Something in the store is altered, tried, and put back.
sub with_altered {
    my ($file, $alter, $test) = @_;
    my $path = "$store/$file";
    my ($bytes, @is) = (Trial::read_file($path), (stat $path)[2, 4, 5]);
    my $put = sub {
        open my $to, '>', $path or die "$path: $!";
        binmode $to;
        print $to $_[0];
        close $to;
        chown @is[1, 2], $path;
    };
    $put->($alter->($bytes));
    $test->();
    $put->($bytes);
    return;
}

# ---- usage ---------------------------------------------------------------------------------------------------------------

refuses('no arguments', qr/which policy/);
refuses('an unknown option', qr/option/, '--no-such');
refuses('an unknown mount option', qr/unknown mount option rubbish/, '-o', 'rubbish', @usual, $mnt);
refuses('two keys', qr/one key/, @usual, '--passphrase-file', $key, $mnt);
refuses('a name that has no policy', qr{/etc/dossierfs/no-such-mount\.ini}, 'no-such-mount');
for my $option ('--help', '--version') {
    my ($status, $out, $err) = daemon_run($option);
    is("$status $err", '0 ', "$option exits with 0");
    like($out, qr/dossierfs/, "$option says something");
}

# ---- keys -----------------------------------------------------------------------------------------------------------------

Trial::write_file("$dir/passphrase", "niet de goede\n");
Trial::write_file("$dir/empty", '');
refuses('a wrong passphrase', qr/passphrase|key/, '-s', $store, '-p', $policy, @control, '--passphrase-file', "$dir/passphrase", $mnt);
refuses('an empty passphrase', qr/passphrase|empty/, '-s', $store, '-p', $policy, @control, '--passphrase-file', "$dir/empty", $mnt);
refuses('a key file of another store', qr/key/, '-s', $store, '-p', $policy, @control, '-k', $other->{key}, $mnt);
refuses('a key file that is not there', qr/key/, '-s', $store, '-p', $policy, @control, '-k', "$dir/none", $mnt);
refuses('a key file that is empty', qr/key/, '-s', $store, '-p', $policy, @control, '-k', "$dir/empty", $mnt);
refuses('a key file that is a directory', qr/key/, '-s', $store, '-p', $policy, @control, '-k', $dir, $mnt);

# ---- the store --------------------------------------------------------------------------------------------------------------

refuses('no store', qr/no store/, '-s', "$dir/none", '-p', $policy, '-k', $key, @control, $mnt);
refuses('a store that is a file', qr/store/, '-s', $policy, '-p', $policy, '-k', $key, @control, $mnt);
mkdir "$dir/nothing";
chown OWNER, OWNER, "$dir/nothing";
refuses('an empty directory', qr/store|header/, '-s', "$dir/nothing", '-p', $policy, '-k', $key, @control, $mnt);
with_altered('header', sub { substr $_[0], 0, 100 }, sub { refuses('a header cut short', qr/header/, @usual, $mnt) });
with_altered('header', sub { '' }, sub { refuses('an empty header', qr/header/, @usual, $mnt) });
for my $at (0, 9, 20, 64, 200, 1000) {
    with_altered('header', sub { my $b = shift; substr($b, $at, 1) ^= "\x40"; $b },
        sub { refuses("a header altered at byte $at", qr/header|key|store|format|version/, @usual, $mnt) });
}
for my $file (qw(keyring records.db header epoch)) {
    with_altered($file, sub { Trial::read_file("$other->{store}/$file") },
        sub { refuses("the $file of another store", qr/another|belong|key|fit/, @usual, $mnt) });
}
with_altered('records.db', sub { 'x' x length $_[0] }, sub { refuses('a database that is none', qr/records|database/, @usual, $mnt) });
chown 0, 0, $store;
refuses('a store of root', qr/belongs to root.*chown/, @usual, $mnt);
chown OWNER, OWNER, $store;

# ---- the mount point -----------------------------------------------------------------------------------------------------------

mkdir "$dir/full";
Trial::write_file("$dir/full/x", '');
refuses('a mount point that is not empty', qr/not empty/, @usual, "$dir/full");
refuses('a mount point that is a file', qr/not a directory/, @usual, $policy);
refuses('a mount point that is not there', qr/No such file/, @usual, "$dir/none");
refuses('no mount point', qr/mount point/, @usual[0 .. 5]);

# ---- the policy ------------------------------------------------------------------------------------------------------------------

Trial::write_file("$dir/faulty.ini", Trial::small_policy() =~ s/ground = A/ground = Q/r);
my $before = (split /ground = Q/, Trial::read_file("$dir/faulty.ini"))[0];
my $line = 1 + ($before =~ tr/\n//);
refuses('a faulty policy', qr/^\Q$dir\E\/faulty\.ini:$line: /, '-s', $store, '-p', "$dir/faulty.ini", '-k', $key, @control, $mnt);
refuses('a policy that is not there', qr/none\.ini/, '-s', $store, '-p', "$dir/none.ini", '-k', $key, @control, $mnt);
Trial::write_file("$dir/lacks.ini", Trial::small_policy() =~ s/telefoon/mobiel/gr);
refuses('a policy that lacks a field with living records', qr/field "telefoon", which the policy \S+ lacks/, '-s', $store, '-p', "$dir/lacks.ini", '-k', $key, @control, $mnt);
Trial::write_file("$dir/zone.ini", Trial::small_policy() =~ s{Europe/Amsterdam}{Europe/Nergens}r);
refuses('a time zone that is none', qr/time zone/, '-s', $store, '-p', "$dir/zone.ini", '-k', $key, @control, $mnt);

# ---- what runs already -----------------------------------------------------------------------------------------------------------

ok($trial->start, 'starts after all of this') or BAIL_OUT($trial->said);
mkdir "$dir/second";
sub refuses_second {
    my ($what, $pattern, @arguments) = @_;
    my ($status, $out, $err) = daemon_run('-f', @arguments);
    is("$status $out", '2 ', "$what: exit 2");
    is(scalar(split /\n/, $err), 1, "$what: one line") or diag($err);
    like($err, $pattern, "$what: which says what");
    ok(!$trial->mounted("$dir/second"), "$what: nothing is mounted");
    is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", "$what: the first goes on");
    return;
}
refuses_second('a second daemon on the store', qr/in use|open|busy|another/, '-s', $store, '-p', $policy, '-k', $key, '--control',
    "$dir/second.sock", "$dir/second");
refuses_second('a second mount with the same socket', qr/another daemon answers/, '-s', $other->{store}, '-p', $policy, '-k',
    $other->{key}, @control, "$dir/second");
refuses_second('the same mount point again', qr/mounted on \S+ already/, '-s', $other->{store}, '-p', $policy, '-k', $other->{key}, '--control',
    "$dir/second.sock", $mnt);
ok(-S $trial->{control}, 'the socket of the first is still there');
my ($shown) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'show');
is($shown, 0, 'and answers');

# ---- ways to start and to end -----------------------------------------------------------------------------------------------------

is(system('umount', $mnt), 0, 'umount');
is($trial->ended, 0, 'ends the daemon with 0');
ok(!-e $trial->{control}, 'which takes its socket away');

# The mount's own: what is left of it in the process table, by the mount point it was given.
sub daemons { return grep { Trial::children($_) || 1 } map { m{/proc/(\d+)/} } grep {
        my $line = eval { Trial::read_file($_) } // ''; $line =~ /^\Q$dir\E\/bin\/dossierfs\0/ } glob('/proc/[0-9]*/cmdline') }
sub all_gone { return until_true(10, sub { !daemons() }) }

# Through a pipe: who waits for its end must not wait for the daemon's.
my ($status, $out, $err) = run({cwd => $dir}, 'timeout', '-k', '5', '20', 'sh', '-c', '("$@"; echo done $?) 2>&1 | cat', 'sh',
    $trial->bin('dossierfs'), @usual, $mnt);
is("$status $out$err", "0 done 0\n", 'in the background: returns with 0');
ok($trial->mounted, 'once it is mounted');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", 'and serves');
for my $pid (daemons()) {
    my @open = map { readlink // '' } "/proc/$pid/fd/0", "/proc/$pid/fd/1", "/proc/$pid/fd/2";
    is("@open", '/dev/null /dev/null /dev/null', 'nothing of the caller is kept open');
}
system 'umount', $mnt;
ok(all_gone(), 'umount ends it');

# mount(8) starts mount.fuse3 without a PATH, which then looks where the shell looks by itself; or it is told the program.
mkdir "$dir/path";
symlink $trial->bin('dossierfs'), "$dir/path/dossierfs";
my $options = "policy=$policy,key-file=$key,control=$trial->{control}";
for my $way (['mount(8)', 'mount', '-t', 'fuse', '-o', "noauto,nofail,_netdev,x-systemd.automount,$options",
        $trial->bin('dossierfs') . "#$store", $mnt],
    ['mount.fuse3', 'mount.fuse3', $store, $mnt, '-o', "rw,$options", '-t', 'fuse.dossierfs']) {
    my ($name, @command) = @$way;
    ($status, $out, $err) = run({cwd => '/', env => {PATH => "$dir/path:/usr/sbin:/usr/bin:/sbin:/bin"}}, 'timeout', '20', @command);
    is("$status $out$err", '0 ', "$name: starts it");
    ok($trial->mounted, "$name: mounts");
    is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", "$name: and it serves");
    like(Trial::read_file('/proc/self/mounts'), qr/^\S+ \Q$mnt\E fuse\.dossierfs ro,nosuid,nodev,noexec/m, "$name: read-only");
    is(system('umount', $mnt), 0, "$name: umount");
    ok(all_gone(), "$name: ends it");
}

# Unmounting and mounting again, at once; and a SIGHUP ends nothing.
for my $round (1 .. 4) {
    ($status, $out, $err) = run({cwd => '/'}, 'timeout', '20', $trial->bin('dossierfs'), @usual, $mnt);
    is("$status $out$err", '0 ', "again at once, $round: starts");
    is(kill('HUP', daemons()), 2, 'SIGHUP to both');
    is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", 'and it serves');
    is(system('umount', $mnt), 0, 'umount');
}
ok(all_gone(), 'ends');
is_deeply([daemons()], [], 'nothing is left running');
is($trial->verify, 5, 'the log is in order');
done_testing;
