#!/usr/bin/perl
# slow
# Goal: while the flagship policy is replaced again and again under load, each one comes in force and nobody meets an error: neither with
# one that only changes people's rights, nor with one that has all dossiers read anew. How long who waits is told, and measured by
# make bench ONLY=reload.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);
use Trial;

Trial::needs();
use constant {DOSSIERS => 20_000, CLIENTS => 4, SECONDS => 6};
# An open that waits for the disk's flush waits for reasons of its own: the entry need only outlive the daemon here.
my $trial = Trial->new(policy_file => Trial::example_policy(), csv => undef, args => ['--log-durability', 'crash']);
my $policy = Trial::read_file($trial->{policy});
my ($status, $csv) = run({}, $trial->bin('sample-data'), '--count', DOSSIERS);
is($status, 0, 'invented tenants');
$trial->import_csv($csv);
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};
my @codes = split ' ', names_as(INCASSO, "$mnt/huur-innen");
cmp_ok(scalar @codes, '>', DOSSIERS / 4, scalar(@codes) . ' dossiers show');

# How long each open, read and close took, in milliseconds, of all clients.
sub load {
    my ($meanwhile) = @_;
    my (@all, @running);
    for my $client (1 .. CLIENTS) {
        pipe my $from, my $to or die;
        my $pid = fork // die;
        if ($pid == 0) {
            Trial::become(INCASSO);
            my ($end, @took) = (time + SECONDS);
            my $at = $client * 997;
            while (time < $end) {
                my $path = "$mnt/huur-innen/$codes[$at++ % @codes]/dossier.txt";
                my $began = time;
                my $error = '';
                if (open my $file, '<', $path) {
                    defined read $file, my $text, 65536 or $error = "$!";
                    close $file;
                } else {
                    $error = "$!";
                }
                push @took, sprintf '%.3f%s', (time - $began) * 1000, $error ? " $error" : '';
            }
            print $to "$_\n" for @took;
            close $to;
            POSIX::_exit(0);
        }
        close $to;
        push @running, [$pid, $from];
    }
    $meanwhile->();
    for (@running) {
        push @all, readline $_->[1];
        waitpid $_->[0], 0;
    }
    my @errors = grep { /[A-Za-z]/ } @all;
    my @took = sort { $a <=> $b } map { /^([\d.]+)/ } @all;
    return {count => scalar @took, errors => scalar @errors, first => $errors[0] // '', median => $took[@took / 2],
        p999 => $took[@took * 0.999], worst => $took[-1], over => scalar(grep { $_ > 20 } @took)};
}
sub figures {
    my ($what, $r) = @_;
    note sprintf '%s: %d opens, median %.2f ms, 99.9 %% below %.1f ms, worst %.1f ms, %d over 20 ms', $what,
        @$r{qw(count median p999 worst over)};
    return $r;
}
my ($reloads, @seconds) = (0);
sub replace_all {
    my ($change) = @_;
    my $end = time + SECONDS - 1;
    while (time < $end) {
        my $text = $change->(++$reloads);
        my $version = substr sha256_hex($text), 0, 16;
        Trial::write_file("$trial->{policy}.new", $text);
        rename "$trial->{policy}.new", $trial->{policy} or die;
        my $began = time;
        until_true(10, sub { sleep 0.02; $trial->said =~ /in force, version $version/ }) or return;
        push @seconds, time - $began;
        sleep 0.1;
    }
    return;
}
sub text_with { my ($from, $to) = @_; (my $text = $policy) =~ s/$from/$to/ or die "no $from"; return $text }

my $quiet = figures('no reload', load(sub { }));
my %kinds = (
    'rights alone' => sub { text_with(qr/^(\[role incasso\])$/m, "; $_[0]\n[role incasso]") },
    'all dossiers read anew' => sub { my ($n) = @_; (my $text = $policy) =~ s/^(\[category )/; $n\n$1/m or die; $text },
);
for my $what (sort keys %kinds) {
    ($reloads, @seconds) = (0);
    my $with = figures($what, load(sub { replace_all($kinds{$what}) }));
    is($with->{errors}, 0, "$what: no error") or diag($with->{first});
    cmp_ok(scalar @seconds, '>', 2, "$what: " . @seconds . ' policies came in force');
    is(scalar(@seconds), $reloads, "$what: each of them");
    cmp_ok(max(@seconds), '<', 5, sprintf "$what: at the latest after %.2f s", max(@seconds));
    note sprintf '%s: in force after %.2f s at the median', $what, (sort { $a <=> $b } @seconds)[@seconds / 2];
}
is($trial->stop, 0, 'ends with 0');
is($trial->verify, 5, 'the log is in order');
done_testing;
