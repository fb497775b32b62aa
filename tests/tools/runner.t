#!/usr/bin/perl
# Goal: the runner counts what ran, and no way of failing (a death, a hang, a broken plan, nothing at all) passes.
use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More tests => 13;

is_run(['1..2', 'ok 1', 'ok 2 # SKIP no such thing'], 0, '1 passed, 0 failed, 1 skipped', 'a skip is no pass');
is_run(['1..0 # SKIP nothing here'], 0, '0 passed, 0 failed, 1 skipped', 'a whole file that skips');
is_run(['1..2', 'ok 1', 'not ok 2'], 1, '1 passed, 1 failed, 0 skipped', 'a failure');
is_run(['1..2', 'ok 1'], 1, '1 passed, 1 failed, 0 skipped', 'fewer than planned');
is_run(['ok 1'], 1, '1 passed, 1 failed, 0 skipped', 'no plan');
is_run(['1..1', 'ok 1'], 1, '1 passed, 1 failed, 0 skipped', 'an exit code after all was well', 'exit 3');
is_run(['1..1', 'ok 1'], 1, '1 passed, 1 failed, 0 skipped', 'a signal after all was well', 'kill -9 $$');
is_run(['1..1'], 1, '0 passed, 1 failed, 0 skipped', 'a hang', 'sleep 1000 & wait');
is_run(undef, 1, '0 passed, 0 failed, 0 skipped', 'nothing to run');

my $root = tree('unit/base_x.c' => '', 'tools/slow.t' => "#!/bin/sh\n# slow\necho 1..1; echo ok 1\n");
program("$root/build/unit/base_x", "echo 1..2; echo 'ok 1 - a'; echo 'not ok 2 # SKIP b'; echo 1..1; echo 'ok 1 - c'");
like(output($root), qr{^3 passed, 0 failed, 1 skipped$}m, 'cmocka with a skip and two groups');
like(output($root, '--quick'), qr{^2 passed, 0 failed, 1 skipped$}m, '--quick leaves out what is slow');

program("$root/build/unit/base_x", "echo 'base_x: skipped: no disk to fill'; exit 77");
like(output($root, '--quick'), qr{^0 passed, 0 failed, 1 skipped$}m, 'a unit program that lacks something is a skip');
program("$root/build/unit/base_x", "echo 1..1; echo 'not ok 1 - a'; exit 77");
like(output($root, '--quick'), qr{^0 passed, 1 failed, 0 skipped$}m, 'but not after a result');

sub is_run {
    my ($lines, $status, $counts, $name, $then) = @_;
    my $script = join "\n", '#!/bin/sh', (map { "echo '$_'" } @{$lines // []}), $then // '';
    my $text = output(tree($lines ? ('tools/x.t' => $script) : ()));
    my $last = (split /\n/, $text)[-1];
    is(($? >> 8) . " $last", "$status $counts", $name);
    return;
}

sub tree {
    my (%files) = @_;
    my $dir = tempdir(CLEANUP => 1);
    make_path(map { "$dir/$_" } qw(tests/unit tests/tools build/unit));
    system('cp', 'tests/run', "$dir/tests/run") == 0 or die 'cp';
    program("$dir/tests/$_", $files{$_}) for keys %files;
    return $dir;
}

sub program {
    my ($path, $script) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $script =~ /^#!/ ? $script : "#!/bin/sh\n$script", "\n";
    close $file or die "$path: $!";
    chmod 0755, $path;
    return;
}

sub output {
    my ($dir, @options) = @_;
    return scalar `BUILD=$dir/build $dir/tests/run --timeout 1 @options 2>/dev/null`;
}
