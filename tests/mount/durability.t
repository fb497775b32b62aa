#!/usr/bin/perl
# Goal: a log that need only outlive the daemon still has every open that was answered, after kill -9, and says what was chosen;
# the default chooses the loss of power and says nothing.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs();
my $trial = Trial->new;
my $file = "$trial->{mnt}/huur-innen/2020-00001/huur.txt";

sub starts { return map { $_->{rule} // '' } grep { $_->{what} eq 'mount' && $_->{name} eq 'start' } $trial->log_entries }
sub opens  { return scalar grep { $_->{what} eq 'field' } $trial->log_entries }

for my $durability (undef, 'power', 'crash') {
    my $name = $durability // 'the default';
    my $before = opens();
    $trial->{args} = defined $durability ? ['--log-durability', $durability] : [];
    ok($trial->start, "$name: mounts") or BAIL_OUT($trial->said);
    slurp_as(INCASSO, $file) for 1 .. 100;
    kill KILL => $trial->{daemon};
    Trial::until_true(20, sub { !$trial->mounted });
    $trial->ended;
    is(opens() - $before, 100, "$name: all that was shown is in the log after kill -9");
    is((starts())[-1], ($durability // '') eq 'crash' ? 'log-durability crash' : '', "$name: what the entry of the start says");
    is($trial->verify, 5, "$name: the log is intact");
}
my ($status, $out, $err) = run({}, $trial->bin('dossierfs'), '--log-durability', 'none', '-s', $trial->{store}, '-p',
    $trial->{policy}, '-k', $trial->{key}, $trial->{mnt});
is("$status $out", '2 ', 'another word: exit 2');
like($err, qr/^dossierfs: --log-durability is power or crash, not none; see dossierfs --help$/, 'and which there are');
($status, $out, $err) = run({}, $trial->bin('dossierfs'), '-o', 'log-durability=never', '-s', $trial->{store}, '-p',
    $trial->{policy}, '-k', $trial->{key}, $trial->{mnt});
is("$status $out", '2 ', 'also as a mount option');
done_testing;
