#!/usr/bin/perl
# Goal: `policy edit` changes a policy as visudo does: only what has no faults is installed, whole, with a backup and the old
# rights; whatever goes wrong (an editor that fails, a kill, a full disk, somebody else's change) leaves a policy that works.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use Trial qw(run write_file read_file);

my $build = abs_path($ENV{BUILD} // 'build');
my $dossier = "$build/dossier";
plan skip_all => "there is no $dossier" unless -x $dossier;
my $dir = tempdir('/var/tmp/dossierfs-edit-XXXXXX', CLEANUP => 1);
chmod 0755, $dir;
my $old = Trial::small_policy();
(my $good = $old) =~ s/Stichting Proefhuis/Stichting Nieuwhuis/ or die;
(my $bad = $good) =~ s/^purposes = onderhoud$/purposes = onderhuud/m or die;
my ($policies, $copies) = ("$dir/policies", "$dir/copies");
mkdir $_ or die for $policies, $copies;
my $policy = "$policies/huur.ini";
delete @ENV{qw(VISUAL EDITOR)};
$ENV{TMPDIR} = $copies;

sub reset_policy { unlink glob("$policies/*"), glob("$policies/.h*"); write_file($policy, $old); chmod 0640, $policy; return }
sub names { my ($where) = @_; opendir my $d, $where or die "$where: $!"; return join ' ', sort grep { !/^\.\.?$/ } readdir $d }

# An editor that notes its arguments and what it found, and then does what the script says; $1 is the file.
my ($editors, $me, $mounted) = (0, $$, '');
END { system('umount', $mounted) if $mounted && $me == $$ }
sub editor {
    my ($script) = @_;
    my $path = write_file("$dir/editor" . ++$editors, "#!/bin/sh\nfor w; do last=\$w; done\necho \"\$@\" >>$dir/calls\nset -- \"\$last\"\n$script\n");
    chmod 0755, $path;
    return $path;
}
sub writes { my ($text) = @_; return editor("cat >\"\$1\" <<'END'\n${text}END") }

# Without a terminal: setsid leaves the one this test may have.
sub edit { my (@options) = @_; return run({stdin => ''}, 'setsid', '-w', $dossier, '-p', $policy, 'policy', 'edit', @options) }

# On a terminal of its own, with answers typed ahead.
sub edit_on_terminal {
    my ($answers, @options) = @_;
    my ($status, $out) = run({stdin => $answers}, 'script', '-qec', "$dossier -p $policy policy edit @options", '/dev/null');
    return ($status, $out =~ s/\r\n/\n/gr);
}

sub nothing_changed {
    my ($name) = @_;
    is(read_file($policy), $old, "$name: the policy is as it was");
    is(names($policies), 'huur.ini', "$name: nothing is left beside it");
    is(names($copies), '', "$name: no private copy is left");
    return;
}

# ---- without a terminal --------------------------------------------------------------------------------------------------

reset_policy();
chown 61001, 61002, $policy if $> == 0;
my @before = (stat $policy)[2, 4, 5];
$ENV{VISUAL} = writes($good);
my ($status, $out, $err) = edit('--yes');
is($status, 0, 'an editor, --yes') or diag("$out$err");
like($out, qr/^what it changes:\n(?:.*\n)*?\[policy\]: organisation is Stichting Nieuwhuis, was Stichting Proefhuis$/m, 'says what it changes for people');
like($out, qr/^-organisation = Stichting Proefhuis\n\+organisation = Stichting Nieuwhuis$/m, 'shows the difference');
like($out, qr/^\Q$policy\E: installed; what it was before is \Q$policy\E~$/m, 'says what was done');
like($out, qr/^a daemon that has it mounted .*dossier status/m, 'and where to look next');
is(read_file($policy), $good, 'the new text is there');
is(read_file("$policy~"), $old, 'and the backup');
is_deeply([(stat $policy)[2, 4, 5]], \@before, 'with owner, group and mode');
is_deeply([(stat "$policy~")[2, 4, 5]], \@before, 'which the backup has too');
is(names($policies), 'huur.ini huur.ini~', 'nothing else');
is(names($copies), '', 'no private copy is left');
($status, $out) = edit('--yes');
is("$status $out", "0 $policy: nothing was changed\n", 'the same text again');
is(read_file("$policy~"), $old, 'leaves the backup');

reset_policy();
(my $warned = $good) =~ s/communicatie/communiceren/g;
$warned =~ s/^purposes = onderhoud$/purposes = communiceren/m or die;
$ENV{VISUAL} = writes($warned);
($status, $out, $err) = edit('--yes');
is($status, 0, 'a text with warnings is installed') or diag("$out$err");
like($out, qr/^ .*\n\Q$policy\E:\d+: warning: purpose communicatie is gone, and communiceren is new and says the same/m,
    'after the lines: what seems to be a rename without was');
like($out, qr/^\Q$policy\E:\d+: warning: no role has the purpose 'onderhoud'.*\n(?:.*\n)*\Q$policy\E: installed/m, 'and what is said in vain');
my ($checked) = (run({}, $dossier, 'policy', 'check', $policy))[1];
is(join('', $out =~ /^(\S+: warning: (?!purpose communicatie is gone).*\n)/mg), join('', $checked =~ /^(.*: warning: .*\n)/mg),
    'the same as policy check tells');
$ENV{VISUAL} = writes($good);

reset_policy();
($status, $out, $err) = edit();
is($status, 2, 'without --yes and without a terminal');
like($err, qr/no terminal to ask on; --yes installs without asking/, 'is told');
nothing_changed('no terminal');

$ENV{VISUAL} = writes($bad);
($status, $out, $err) = edit('--yes');
is($status, 1, 'a text with faults');
my @lines = split /\n/, $bad;
my ($line) = grep { $lines[$_ - 1] =~ /onderhuud/ } 1 .. @lines;
like($out, qr/^\Q$policy\E:$line: .*onderhuud.*did you mean 'onderhoud'/m, 'the fault, with its line');
like($out, qr/^\Q$policy\E: 1 fault$/m, 'and their number');
nothing_changed('faults');

(my $zone = $good) =~ s{Europe/Amsterdam}{Europe/Amsterdem};
$ENV{VISUAL} = writes($zone);
($status, $out) = edit('--yes');
is($status, 1, 'a time zone that the system lacks');
like($out, qr/^\Q$policy\E:\d+: timezone: the system knows no/m, 'is a fault too');
nothing_changed('zone');

for my $case (['fails', "cat >\"\$1\" <<'END'\n${good}END\nexit 3", qr/failed \(exit code 3\); the policy is as it was/],
    ['is killed', "cat >\"\$1\" <<'END'\n${good}END\nkill -9 \$\$", qr/ended by signal 9/],
    ['takes its file away', 'rm "$1"', qr/can't be read|no file|No such file/],
    ['leaves a pipe', 'rm "$1"; mkfifo "$1"', qr/no regular file/],
    ['leaves an empty file', ': >"$1"', undef],
    ['leaves no text', 'head -c 100000 /dev/zero >"$1"', undef],
    ['leaves too much', 'head -c 2000000 /dev/zero | tr "\\0" "#" >"$1"', undef]) {
    my ($name, $script, $said) = @$case;
    $ENV{VISUAL} = editor($script);
    ($status, $out, $err) = edit('--yes');
    is($status, $said ? 2 : 1, "an editor that $name") or diag("$out$err");
    like($err, $said, "an editor that $name: is told") if $said;
    nothing_changed("an editor that $name");
}
$ENV{VISUAL} = writes($good);
chmod 0600, editor('exit 0');
$ENV{VISUAL} = "$dir/none";
($status, $out, $err) = edit('--yes');
is($status, 2, 'no such editor');
like($err, qr/there is no editor "\Q$dir\E\/none" to be run; set EDITOR; the policy is as it was/, 'is told');
nothing_changed('no editor');

# ---- which editor, and how -----------------------------------------------------------------------------------------------

unlink "$dir/calls";
my $spaced = "$dir/an editor";
rename editor('exit 0'), $spaced or die;
$ENV{VISUAL} = "'$spaced' --wait \"a  b\" \$(touch$dir/shell) ;touch";
$ENV{EDITOR} = "$dir/not-this";
is((edit('--yes'))[0], 0, 'VISUAL comes before EDITOR, and has arguments');
like(read_file("$dir/calls"), qr{^--wait a  b \$\(touch\Q$dir\E/shell\) ;touch \Q$copies\E/dossier-edit\.\w{6}/huur\.ini$}, 'split at blanks and quotes');
ok(!-e "$dir/shell", 'no shell sees it');
$ENV{VISUAL} = ' ';
$ENV{EDITOR} = editor("stat -c '%a %A' \"\$1\" \"\${1%/*}\" >$dir/modes");
is((edit('--yes'))[0], 0, 'an empty VISUAL is none');
is(read_file("$dir/modes"), "600 -rw-------\n700 drwx------\n", 'the copy is private');
delete $ENV{VISUAL};
$ENV{EDITOR} = "vi 'quote";
like((edit('--yes'))[2], qr/can't be split/, 'a quote that does not end');
delete $ENV{EDITOR};
mkdir "$dir/path";
symlink editor("touch $dir/sensible"), "$dir/path/sensible-editor";
{
    local $ENV{PATH} = "$dir/path:$ENV{PATH}";
    is((edit('--yes'))[0], 0, 'without both');
}
ok(-e "$dir/sensible", 'sensible-editor is run');
$ENV{VISUAL} = editor('touch "$1~" "${1%/*}/.huur.ini.swp"');
is((edit('--yes'))[0], 0, 'an editor that leaves files of its own');
nothing_changed('such an editor');

# ---- --from --------------------------------------------------------------------------------------------------------------

write_file("$dir/good.ini", $good);
write_file("$dir/bad.ini", $bad);
$ENV{VISUAL} = editor('touch ' . "$dir/run");
is((edit('--from', "$dir/bad.ini", '--yes'))[0], 1, '--from a file with faults');
is((edit('--from', "$dir/none.ini", '--yes'))[0], 2, '--from a file that is not there');
is((edit('--from', "$dir/good.ini"))[0], 2, '--from without --yes and without a terminal');
nothing_changed('--from');
is((edit('--from', "$dir/good.ini", '--yes'))[0], 0, '--from, --yes');
is(read_file($policy), $good, 'installs');
ok(!-e "$dir/run", 'no editor is run');

# ---- on a terminal -------------------------------------------------------------------------------------------------------

SKIP: {
    skip 'script(1) is not here', 1 if system('command -v script >/dev/null') != 0;
    reset_policy();
    # Faulty the first time, good the second, which begins where the first ended.
    $ENV{VISUAL} = editor("if grep -q onderhuud \"\$1\"; then sed -i s/onderhuud/onderhoud/ \"\$1\"; else cat >\"\$1\" <<'END'\n${bad}END\nfi");
    ($status, $out) = edit_on_terminal("what\ne\nyes\n");
    is($status, 0, 'faults, again, installed') or diag($out);
    like($out, qr/1 fault\n.*\(e\)dit again.*\(e\)dit again.*^\+organisation.*install it\?.*: installed/ms, 'asked in this order, and again after no answer');
    is(read_file($policy), $good, 'the mended text is there');
    for my $case (["e\nx\n", 'twice faulty, then exit', $bad], ["x\n", 'exit after faults', $bad], ["x\n", 'exit after the difference', $good],
        ['', 'the end of the input', $good]) {
        my ($answers, $name, $text) = @$case;
        reset_policy();
        $ENV{VISUAL} = writes($text);
        ($status, $out) = edit_on_terminal($answers);
        is($status, 1, $name) or diag($out);
        nothing_changed($name);
    }
    reset_policy();
    ($status, $out) = edit_on_terminal("n\n", '--from', "$dir/good.ini");
    is($status, 1, '--from, no');
    nothing_changed('--from, no');
    ($status, $out) = edit_on_terminal("y\n", '--from', "$dir/good.ini");
    is(read_file($policy), $good, '--from, yes');
    (my $steering = $old) =~ s/label    = Incasso/label    = In\e[31mcasso/;
    write_file($policy, $steering);
    ($status, $out) = edit_on_terminal("y\n", '--from', "$dir/good.ini");
    unlike($out, qr/\e/, 'what is in a policy does not steer the terminal');
    is(read_file($policy), $good, 'and a faulty policy can be mended');
}

# ---- others --------------------------------------------------------------------------------------------------------------

reset_policy();
(my $theirs = $old) =~ s/Proefhuis/Anderhuis/;
$ENV{VISUAL} = editor("printf '%s' \"\$(cat $dir/good.ini)\" >\"\$1\"; echo >>\"\$1\"; cp $dir/theirs.ini $policy.x; mv $policy.x $policy");
write_file("$dir/theirs.ini", $theirs);
($status, $out, $err) = edit('--yes');
is($status, 1, 'changed by somebody else meanwhile') or diag("$out$err");
like($err, qr/^dossier: \Q$policy\E was changed by somebody else meanwhile\ndossier: what you wrote is in (\S+)$/m, 'is told, with where the text is');
is(read_file($policy), $theirs, 'their text stays');
is(read_file($1), $good, 'and so does ours') if $err =~ /is in (\S+)$/m;
is(names($policies), 'huur.ini', 'nothing is left beside it');
system("rm -rf $copies/*");

reset_policy();
$ENV{VISUAL} = editor("echo >>\"\$1\"; touch $dir/in-editor; while test ! -e $dir/go-on; do sleep 0.02; done");
sub in_background {
    unlink "$dir/in-editor", "$dir/go-on";
    my $pid = fork // die;
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$dir/out";
        open STDERR, '>&', \*STDOUT;
        POSIX::setsid();
        exec $dossier, '-p', $policy, 'policy', 'edit', '--yes' or POSIX::_exit(9);
    }
    my $until = time + 20;
    sleep 0.01 while !-e "$dir/in-editor" && time < $until;
    return $pid;
}
my $pid = in_background();
ok(-e "$dir/in-editor", 'the first is in his editor');
($status, $out, $err) = edit('--yes');
is($status, 2, 'a second one');
like($err, qr/^dossier: \Q$policy\E is being edited by process $pid$/m, 'is told who has it');
write_file("$dir/go-on", '');
waitpid $pid, 0;
is($?, 0, 'the first goes on');
is(read_file($policy), "$old\n", 'and installs');

reset_policy();
$pid = in_background();
kill 'KILL', $pid;
waitpid $pid, 0;
write_file("$dir/go-on", '');
is(read_file($policy), $old, 'killed in the editor: the policy is as it was');
$ENV{VISUAL} = writes($good);
is((edit('--yes'))[0], 0, 'and the next one gets the lock');
is(names($policies), 'huur.ini huur.ini~', 'and takes it away');
system("rm -rf $copies/*");

# Ended at each system call of installing, in turn: the name means the old text or the new one, and the next edit works.
SKIP: {
    skip 'there is no compiler for the preload that kills', 1 if system("command -v cc >/dev/null") != 0;
    write_file("$dir/kill.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
static void step(void) { static int count; const char *at = getenv("KILL_AT"); if (at && ++count == atoi(at)) kill(getpid(), SIGKILL); }
int fsync(int fd) { int (*real)(int) = dlsym(RTLD_NEXT, "fsync"); step(); int r = real(fd); step(); return r; }
int renameat(int a, const char *b, int c, const char *d) { int (*real)(int, const char *, int, const char *) = dlsym(RTLD_NEXT, "renameat"); step(); int r = real(a, b, c, d); step(); return r; }
ssize_t pwrite64(int fd, const void *b, size_t n, off_t o) { ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64"); step(); ssize_t r = real(fd, b, n / 2 + 1, o); step(); return r; }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { return pwrite64(fd, b, n, o); }
C
    skip 'a preload can\'t be built', 1 if system("cc -shared -fPIC -o $dir/kill.so $dir/kill.c -ldl 2>/dev/null") != 0;
    my ($killed, $kept, $new) = (0, 0, 0);
    for my $at (1 .. 400) {
        reset_policy();
        {
            local @ENV{qw(LD_PRELOAD KILL_AT)} = ("$dir/kill.so", $at);
            ($status) = run({stdin => ''}, $dossier, '-p', $policy, 'policy', 'edit', '--from', "$dir/good.ini", '--yes');
        }
        last if $status == 0;
        $killed++;
        my $text = read_file($policy);
        $kept++ if $text eq $old;
        $new++ if $text eq $good;
        last unless $text eq $old || $text eq $good;
        my $backup = -e "$policy~" ? read_file("$policy~") : $old;
        last unless $backup eq $old;
    }
    is($status, 0, "in the end it is not killed any more");
    cmp_ok($killed, '>=', 12, 'it was killed at many places');
    is($kept + $new, $killed, "each time the policy was whole: $kept times the old one, $new times the new one");
    cmp_ok($new, '>=', 1, 'also after the rename');
    reset_policy();
}

# ---- no room, no rights --------------------------------------------------------------------------------------------------

SKIP: {
    skip 'only root can mount a small disk', 1 unless $> == 0;
    my $disk = "$dir/disk";
    mkdir $disk or die;
    skip 'no tmpfs can be mounted', 1 if system('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', $disk) != 0;
    $mounted = $disk;
    my $outside = $policy;
    $policy = write_file("$disk/huur.ini", $old);
    $ENV{VISUAL} = editor("cat $dir/good.ini >\"\$1\"; head -c 1000000 /dev/zero >$disk/filler 2>/dev/null; true");
    ($status, $out, $err) = edit('--yes');
    is($status, 2, 'a full disk') or diag("$out$err");
    like($err, qr/No space left on device\ndossier: what you wrote is in/, 'is told, with where the text is');
    is(read_file($policy), $old, 'the policy is as it was');
    is(names($disk), 'filler huur.ini', 'no half of anything is left');
    unlink "$disk/filler";
    system("rm -rf $copies/*");
    system('mount', '-o', 'remount,ro', $disk);
    $ENV{VISUAL} = editor("touch $dir/was-run");
    ($status, $out, $err) = edit('--yes');
    is($status, 2, 'a read-only disk');
    like($err, qr/can't be locked .*Read-only file system/, 'is told');
    ok(!-e "$dir/was-run", 'before anybody types anything');
    system('umount', $disk);
    $mounted = '';
    $policy = $outside;
}
reset_policy();
chmod 0444, $policy;
is((edit('--from', "$dir/good.ini", '--yes'))[0], 0, 'a file that is read-only to its owner');
is((stat $policy)[2] & 07777, 0444, 'stays so');
if ($> == 0) {
    reset_policy();
    chmod 0644, $policy;
    ($status, $out, $err) = run({stdin => ''}, 'setpriv', '--reuid', '61001', '--regid', '61001', '--clear-groups', 'setsid', '-w',
        -r "$build/dossier" && system('setpriv', '--reuid', '61001', '--clear-groups', '--regid', '61001', 'test', '-x', $dossier) == 0 ? $dossier : copy_of(),
        '-p', $policy, 'policy', 'edit', '--yes');
    is($status, 2, 'who may not write the directory');
    like($err, qr/can't be locked .*Permission denied/, 'is told before anything');
    is(read_file($policy), $old, 'and nothing was changed');
}
sub copy_of { system('cp', $dossier, "$dir/dossier"); chmod 0755, "$dir/dossier"; return "$dir/dossier" }

# ---- which policy --------------------------------------------------------------------------------------------------------

reset_policy();
mkdir "$dir/etc";
symlink $policy, "$dir/etc/link.ini";
($status, $out) = run({stdin => ''}, $dossier, '-p', "$dir/etc/link.ini", 'policy', 'edit', '--from', "$dir/good.ini", '--yes');
is($status, 0, 'a policy that is a symbolic link');
ok(-l "$dir/etc/link.ini", 'the link stays');
is(read_file($policy), $good, 'what it means is changed');
is(names("$dir/etc"), 'link.ini', 'nothing is left beside the link');
like((run({stdin => ''}, $dossier, 'policy', 'edit'))[2], qr/which policy\? -n NAME or -p POLICY/, 'none named');
like((run({stdin => ''}, $dossier, '-p', "$dir/none.ini", 'policy', 'edit'))[2], qr/No such file/, 'none there');
like((run({stdin => ''}, $dossier, '-p', $dir, 'policy', 'edit'))[2], qr/no regular file/, 'a directory');
like((run({stdin => ''}, $dossier, '-n', "none$$", 'policy', 'edit'))[2], qr{/etc/dossierfs/none$$\.ini.*No such file}, '-n means /etc/dossierfs');

done_testing;
