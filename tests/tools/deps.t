#!/usr/bin/perl
# Goal: tests/deps installs what is missing and nothing else; where it can't, it names the package or the right.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More tests => 15;

# A machine of our own: only these programs, and an apt-get that writes down what it was asked.
my $bin = tempdir(CLEANUP => 1);
chmod 0755, $bin;
system('cp', 'tests/deps', $bin) == 0 or die 'cp';
symlink "/usr/bin/$_", "$bin/$_" for qw(id sh env);
program('pkg-config', '[ "$2" = there ]');
program('gcc',        'cat >/dev/null; exit 0');
program('cat',        'exec /usr/bin/cat');
program('there',      'exit 0');

my ($status, $said) = deps('there', 'libthere-dev:there.pc', 'libc6-dev:stdio.h');
is("$status $said", '0 ', 'nothing is missing: silent');

program('perl', '[ "$3" = Text/There.pm ]');
($status, $said) = deps('--say', 'libthere-perl:Text/There.pm', 'libaway-perl:Text/Away.pm');
like($said, qr{^deps: missing packages: libaway-perl\n}, 'modules of perl are looked for in perl');

($status, $said) = deps('--say', 'there', 'libaway-dev:away.pc', 'away');
is($status, 1, 'missing: --say fails');
like($said, qr{^deps: missing packages: libaway-dev away\n}, '... and names exactly what is missing');

($status, $said) = deps('away');
is($status, 1, 'no apt-get: fails');
like($said, qr{missing, by Debian's names: away\n.*not a Debian system}, '... and says why');

($status, $said) = deps('--say', 'libclang-rt-dev:there.a');
is("$status " . ($said =~ /libclang-rt-dev$/m ? 'named' : $said), '1 named', "clang's runtime: missing without clang");
program('clang', "echo $bin");
program('there.a', '');
is(join(' ', deps('--say', 'libclang-rt-dev:there.a')), '0 ', '... and there where clang looks for it');

program('apt-get', 'echo "$*" >>"$0.calls"; [ "$1" = update ] || { echo "exit 0" >"${0%/*}/away"; chmod 755 "${0%/*}/away"; }');
program('chmod', 'exec /usr/bin/chmod "$@"');
SKIP: {
    skip 'not root', 5 if $>;
    ($status, $said) = deps('there', 'away');
    is($status, 0, 'what is missing is installed');
    my $calls = `cat $bin/apt-get.calls`;
    like($calls, qr{^update .*\ninstall -y .*--no-install-recommends away\n\z}s, '... by one call for that alone, without a question');
    unlink "$bin/away";
    program('apt-get', 'exit 100');
    ($status, $said) = deps('away');
    like("$status $said", qr{^1 .*could not install.*: away\n}s, 'no network: fails and names the package');
    program('apt-get', 'exit 0');
    ($status, $said) = deps('away');
    like("$status $said", qr{^1 .*still not found.*: away\n}s, 'installed and still missing: fails');
    ($status, $said) = as_nobody('away');
    like("$status $said", qr{^1 .*missing packages: away\n.*not root}s, 'not root: names package and right');
}
unlink "$bin/pkg-config";
program('dpkg-query', 'echo installed');
($status, $said) = deps('--say', 'pkg-config', 'libthere-dev:there.pc');
like($said, qr{missing packages: pkg-config\n}, 'without pkg-config, only pkg-config is missing');

SKIP: {
    skip 'not root', 1 if $>;
    ($status, $said) = as_nobody('--mount');
    like("$status $said", qr{^1 deps: not root}, '--mount as a plain user: says which right is missing');
}

sub program {
    my ($name, $script) = @_;
    open my $file, '>', "$bin/$name" or die "$name: $!";
    print $file "#!/bin/sh\n$script\n";
    close $file or die "$name: $!";
    chmod 0755, "$bin/$name";
    return;
}

# A copy, since a plain user may not reach where this tree lies (/root, say). It adds sbin to PATH, which holds no program that is asked for here.
sub deps      { return output('env', "PATH=$bin", 'sh', "$bin/deps", @_) }
sub as_nobody { return output('setpriv', '--reuid', '65534', '--clear-groups', 'env', "PATH=$bin", 'sh', "$bin/deps", @_) }

sub output {
    my $pid = open(my $from, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @_ or die "$_[0]: $!";
    }
    local $/;
    my $text = <$from> // '';
    close $from;
    return ($? >> 8, $text);
}
