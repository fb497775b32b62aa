# What it costs others when somebody without rights asks for dossiers as fast as he can: opens by one client, alone and beside him, and,
# to tell what is the daemon's from what is the processors', beside as many processes that ask the plain file system for what is not there.
package Bench::Noise;
use strict;
use warnings;
use File::Path qw(make_path);
use List::Util qw(shuffle);

use Bench::Process;
use Bench::Stage;

use constant {STRANGER => 61999, WARM_UP_S => 1.2};

our @CROWDS = (8, 64);
our @WAYS = qw(plain same other); # of asking: elsewhere, for one code each, for codes at random

# scale: {dossiers, some, rounds, divide}
sub measure {
    my ($stage, $scale, $results, $told) = @_;
    my ($csv, @codes) = $stage->write_csv($scale->{some});
    $stage->make_store('noisy');
    $stage->import_csv('noisy', $csv);
    $stage->mount_store('noisy', 'dossierfs-noisy', 'power');
    make_path($stage->at('quiet'));
    run('cp', "$stage->{build}/tests/hostile", $stage->{work});
    $stage->write_list('noisy.files', 'dossierfs-noisy', shuffle(map { ("$_/achternaam.txt", "$_/huur.txt") } @codes));
    my $count = int(4000 / $scale->{divide}) || 1;
    my $open = sub { $stage->act($stage->at('noisy.files'), 'open', 1, $count) };
    $open->();
    my @cases = (['alone', 0], map { my $crowd = $_; map { [$_, $crowd] } @WAYS } @CROWDS);
    for my $round (1 .. $scale->{rounds}) {
        $told->("noise, round $round of $scale->{rounds}");
        for my $case (@cases) {
            my ($answer, $refusals) = $case->[1] ? beside($stage, @$case, $open) : ($open->(), 0);
            my @sample = (clients => $case->[1], system => $case->[0], round => $round);
            $results->add(@sample, row => 'noise', value => $answer->{wall}, unit => 'ns', median_ns => $answer->{median}, p99_ns => $answer->{p99});
            $results->add(@sample, row => 'refusals', value => $refusals, unit => '/s') if $case->[1];
        }
        push @cases, shift @cases;
    }
    $stage->unmount('dossierfs-noisy');
    $stage->remove(qw(noisy quiet));
    return;
}

# What `open` answers beside a crowd, and how many refusals a second that got.
sub beside {
    my ($stage, $way, $crowd, $open) = @_;
    my $prefix = $way eq 'plain' ? $stage->at('quiet') : $stage->at('dossierfs-noisy', Bench::Stage::PURPOSE);
    pipe my $gate, my $hold or die "bench: $!\n";
    pipe my $answer, my $to or die "bench: $!\n";
    my $pid = spawned(sub {
        close $_ for $hold, $answer;
        become(STRANGER);
        open STDIN, '<&', $gate;
        open STDOUT, '>&', $to;
        exec $stage->at('hostile'), $crowd, $way eq 'plain' ? 'other' : $way, $prefix or die "bench: hostile: $!\n";
    });
    close $_ for $gate, $to;
    select undef, undef, undef, WARM_UP_S; # until it is known as noisy
    my $got = $open->();
    close $hold;
    my $refusals = do { local $/; <$answer> };
    waitpid $pid, 0;
    ended($pid);
    die "bench: the noise failed\n" unless defined $refusals && $refusals =~ /^(\d+)\n\z/;
    return ($got, $1);
}

1;
