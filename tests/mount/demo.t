#!/usr/bin/perl
# Goal: the demo shows what it says and cleans up after itself, and a wrong result anywhere in it makes it fail.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;

my $build = abs_path($ENV{BUILD} // 'build');
plan skip_all => 'the programs are not built' unless $build && -x "$build/dossierfs" && -x "$build/dossier";
plan skip_all => 'no right to mount here' if system('tests/deps --mount 2>/dev/null');

# Other users have to reach it, which they can't below a TMPDIR of root's own.
my $root = tempdir('demo-test.XXXXXX', DIR => '/var/tmp', CLEANUP => 0);
chmod 0755, $root or die "chmod: $!";
my $place = "$root/demo";
delete $ENV{NO_COLOR};
$ENV{DEMO_DIR} = $place;
$ENV{BUILD}    = $build;
$SIG{TERM} = $SIG{INT} = sub { exit 1 };

END {
    my $status = $?;
    system("examples/demo.sh stop >/dev/null 2>&1; rm -rf --one-file-system $root") if $root;
    $? = $status;
}

# ---- as it should be ----
my ($status, $shown) = demo();
is($status, 0, 'it ends well') or diag $shown;
like($shown, qr{^ +\[root\]\$ dossier .*import.*\n +tenants\.csv: 1000 rows: 1000 added}m, 'the import');
like($shown, qr{^ +\[opzichter\]\$ ls .*\n( +(?!achternaam|geboortedatum|rekening)\S+)+\n}m, 'an inspector sees no name and no account');
my @refused = $shown =~ m{^ +\[(\w+)\]\$ cat mnt/.*\n +cat: mnt/\S+: No such file or directory$}mg;
is("@refused", 'opzichter root', 'refused: a colleague, and root');
like($shown, qr{geboortedatum\.txt rekeningnummer\.txt\n +\d{4}-\*\*-\*\*\n +NL\d\dTEST\d{10}\n}, 'a masked date of birth');
like($shown, qr{geboortedatum\.txt rekeningnummer\.txt\n +\d{4}-\d\d-\d\d\n +\*{14}\d{4}\n}, 'a masked account');
like($shown, qr{^ +(\d{4}-\d{5});[^\n]*\n(?s:.*)^ +\[incasso\]\$ ls mnt/huur-innen/\g1\n +ls: .*No such file}m, 'a dossier past its term');
like($shown, qr{awk -f payments\.awk .*\n +Way of payment.*\n(?: +\w+ +\d+ +\d+\.\d\d\n){4} +Total +\d+ +\d+\.\d\d\n}, 'the table of the old script');
like($shown, qr{grep -rlFf values tenants\.csv store\n +tenants\.csv\n}, 'nothing is found in the store');
like($shown, qr{log show.*\n +TIME .*\n(?s:.*)61001 field .* rekeningnummer +shown}, 'lines of the log');
like($shown, qr{^ +exit code 5$}m, 'verify is honest about the missing anchor');
like($shown, qr{policy diff policy\.ini new\.ini\n(?: .*\n)*? .*achternaam.*\n(?s:.*)^ +\[opzichter\]\$ cat mnt/onderhoud/\S+/achternaam\.txt\n +\S+\n}m, 'a change of the policy in words, and what it does');
like($shown, qr{It stays until: make demo-stop\n\z}, 'it says how to stop it');
unlike($shown, qr{\e|\t}, 'no colours and no tabs in a pipe');
cmp_ok(scalar(split /\n/, $shown), '<', 120, 'it is short');

# ---- up, again, and down ----
my $someone = qx(setpriv --reuid 61002 --regid 61002 --clear-groups ls $place/mnt);
like($someone, qr{^communicatie$}m, 'the mount stays up');
my $daemons = daemons();
isnt($daemons, '', 'so does the daemon');

my $pid = fork // die "fork: $!";
exec 'sh', '-c', "cd $place/mnt && exec sleep 1000" or die "exec: $!" if !$pid;
wait_for(sub { (readlink "/proc/$pid/cwd" // '') eq "$place/mnt" });
($status, $shown) = demo('stop');
is($status, 2, 'who is still inside is not thrown out');
like($shown, qr{in use, as working directory of process $pid;}, '... but named');
ok(-d "$place/store", '... and nothing is removed');
kill 'KILL', $pid;
waitpid $pid, 0;

($status, $shown) = terminal('');
is($status, 0, 'a second run replaces the first') or diag $shown;
like($shown, qr{^The demo that was up is stopped}m, '... and says so');
like($shown, qr{\e\[1m.*\e\[0m}, 'colours on a terminal');
isnt(daemons(), $daemons, 'the daemon is another one');
($status, $shown) = demo('stop');
is($status, 0, 'stop');
ok(!-e $place, '... removes all of it');
is(daemons() . mounts(), '', '... the daemon and the mount too');
($status, $shown) = demo('stop');
is("$status $shown", "0 demo: none is up\n", 'stop with none up');

# ---- wrong results: a policy that shows too much or keeps too long, and a store that tells ----
my $policy = slurp('examples/woningcorporatie.ini');
wrong('no narrowing', [qr{^fields += adres, telefoon, telefoon2\n(?:fields  \+=.*\n)+}m, ''], qr{\[opzichter\]\$ ls .*\n.*achternaam(?s:.*)WRONG: expected above});
wrong('a purpose and a field too many', [qr{^purposes += onderhoud\nfields += adres}m,
    "purposes = onderhoud, huur-innen\nfields = adres, rekeningnummer"], qr{WRONG: that command should have failed});
wrong('no mask', [qr{^mask += rekeningnummer:last4\n}m, ''], qr{\n +NL\d\dTEST\d{10}\n\ndemo: WRONG: expected above: .*\*\*\*});
wrong('a term too long', [qr{^retention += 7y}m, 'retention = 90y'], qr{WRONG: });
wrong_program('a value in the store', 'case $* in *import*) REAL "$@"; sed -n 2p tenants.csv >store/leak; exit 0;; esac', qr{\n +store/leak\n});
wrong_program('a change that nobody tells', 'case $* in *"policy diff"*) exit 0;; esac', qr{WRONG: missing above: achternaam});
wrong('a change that does nothing', [qr{^fields = naam, adres, telefoon, telefoon2$}m, 'fields = adres, telefoon2, telefoon'],
    qr{policy\.ini and new\.ini say the same\n\ndemo: WRONG: missing above: achternaam});
wrong_program('a change that does not come in force', 'case $* in *"policy diff"*) REAL "$@"; echo fault >>new.ini; exit 0;; esac',
    qr{WRONG: the changed policy is not in force after 5 seconds});
wrong_program('a log that nobody kept', 'case $* in *"log show"*) exit 0;; esac', qr{WRONG: the log does not say});

# ---- where it can't run ----
($status, $shown) = (system('mkdir', $place), demo())[1, 2];
is($status, 2, 'a directory that is no demo\'s own is left alone');
like($shown, qr{was not made by a demo}, '... and it says so');
rmdir $place;
{
    my $closed = "$root/closed";
    mkdir $closed, 0700;
    local $ENV{DEMO_DIR} = "$closed/demo";
    ($status, $shown) = demo();
    is($status, 2, 'a place that other users can\'t reach');
    like($shown, qr{^demo: in \S+ other users can't run a program}, '... is named, before anything is made');
    ok(!-e "$closed/demo", '... and nothing stays');
}
my $plain = qx(setpriv --reuid 61001 --regid 61001 --clear-groups sh examples/demo.sh 2>&1);
SKIP: {
    skip 'the tree is where a plain user can\'t read it', 1 if $plain =~ /Permission denied|open/i;
    like($plain, qr{^demo: not root}, 'a plain user: the missing right is named');
}
done_testing();

sub demo {
    my (@arguments) = @_;
    my $said = qx(examples/demo.sh @arguments 2>&1 </dev/null);
    return ($? >> 8, $said);
}

sub terminal {
    my ($environment) = @_;
    my $said = qx($environment script -qec examples/demo.sh /dev/null </dev/null 2>&1);
    my $code = $? >> 8;
    $said =~ s/\r//g;
    return ($code, $said);
}

sub wrong {
    my ($name, $change, $expected) = @_;
    my ($from, $to) = @$change;
    (my $changed = $policy) =~ s/$from/$to/ or die "$name: the policy has no $from";
    spill("$root/policy.ini", $changed, 0644);
    local $ENV{DEMO_POLICY} = "$root/policy.ini";
    expect_wrong($name, $expected);
    return;
}

# In place of the command: what `before` says, REAL being the real one, and then the real one.
sub wrong_program {
    my ($name, $before, $expected) = @_;
    mkdir "$root/build";
    system("cp $build/dossierfs $build/sample-data $root/build && cp $build/dossier $root/real") == 0 or die 'cp';
    spill("$root/build/dossier", "#!/bin/sh\n$before\nREAL \"\$@\"\n" =~ s{REAL}{$root/real}gr, 0755);
    local $ENV{BUILD} = "$root/build";
    expect_wrong($name, $expected);
    return;
}

sub expect_wrong {
    my ($name, $expected) = @_;
    my ($code, $said) = demo();
    is($code, 1, "$name: exit code 1") or diag $said;
    like($said, $expected, "... and which");
    demo('stop');
    return;
}

sub daemons { return join ' ', sort map { m{/(\d+)/} } grep { (readlink // '') =~ m{^\Q$place\E/} } glob '/proc/[0-9]*/exe' }
sub mounts { return join '', grep { m{ \Q$place\E/} } split /^/, slurp('/proc/self/mountinfo') }

sub wait_for {
    my ($condition) = @_;
    for (1 .. 500) {
        return if $condition->();
        select undef, undef, undef, 0.01;
    }
    die "waited in vain\n";
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

sub spill {
    my ($path, $text, $mode) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    chmod $mode, $path or die "$path: $!";
    return;
}
