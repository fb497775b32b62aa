#!/usr/bin/perl
# slow
# Goal: a daemon that hangs is killed by its keeper, which unmounts, so that nobody waits for ever.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Time::HiRes qw(sleep);
use Trial;

Trial::needs();
my $trial = Trial->new;
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
sleep 1.2; # a first sign of life
kill 'STOP', $trial->{daemon};
my $waiting = fork // die;
if ($waiting == 0) {
    my $got = slurp_as(INCASSO, $trial->at('huur-innen', '2020-00001', 'huur.txt'));
    POSIX::_exit($got eq "612.50\n" ? 1 : 0);
}
my (undef, $took) = within(sub { until_true(45, sub { !$trial->mounted }) });
cmp_ok($took, '<', 36, sprintf 'unmounted after %.0f s', $took);
cmp_ok($took, '>', 25, 'and not before a slow disk had its chance');
is(($trial->ended(5) // -1) >> 8, 1, 'the keeper ends with 1');
like($trial->said, qr/no sign of life/, 'and says why');
ok(until_true(5, sub { waitpid($waiting, POSIX::WNOHANG()) }), 'who waited waits no more');
is($?, 0, 'and got an error');
ok($trial->start, 'the next start works');
is(slurp_as(INCASSO, $trial->at('huur-innen', '2020-00001', 'huur.txt')), "612.50\n", 'and serves');
is($trial->stop, 0, 'ends with 0');
is($trial->verify, 5, 'the log is in order');
done_testing;
