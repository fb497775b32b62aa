# How long an open waits while the flagship policy is replaced again and again: not at all, by policies that only change rights, and by
# such for which all dossiers are read anew.
package Bench::Reload;
use strict;
use warnings;
use List::Util qw(max shuffle);
use POSIX ();
use Time::HiRes qw(sleep time);

use Bench::Process;
use Bench::Stage;

use constant {CLIENTS => 4, EACH_S => 0.2, FORCE_WAIT_S => 10};

our @WAYS = qw(none rights anew);

# scale: {dossiers, rounds, divide}
sub measure {
    my ($stage, $scale, $results, $told) = @_;
    my ($csv, @codes) = $stage->write_csv($scale->{dossiers});
    my $policy = write_file($stage->at('reload.ini'), read_file(Bench::Stage::POLICY), 0644);
    $stage->make_store('reload');
    $stage->import_csv('reload', $csv);
    $stage->mount_store('reload', 'dossierfs-reload', 'crash', $policy);
    $stage->write_list('reload.files', 'dossierfs-reload', shuffle(map { "$_/achternaam.txt" } @codes));
    my $count = int(25_000 / $scale->{divide}) || 1;
    my @ways = @WAYS;
    for my $round (0 .. $scale->{rounds}) {
        $told->("reload, round $round of $scale->{rounds}");
        for my $way (@ways) {
            my ($answer, @forces) = beside($stage, $policy, $way, "$round $way", $count);
            next unless $round;
            my @sample = (clients => CLIENTS, system => $way, round => $round, unit => 'ns');
            $results->add(@sample, row => "reload-$_", value => $answer->{$_}) for qw(median p99 worst);
            next unless @forces;
            $results->add(@sample, row => 'reload-force', value => 1e9 * max(@forces));
            $results->add(@sample, row => 'reload-count', value => scalar @forces, unit => '');
        }
        push @ways, shift @ways;
    }
    $stage->unmount('dossierfs-reload');
    $stage->remove(qw(reload reload.ini));
    return;
}

# What the clients answer, and after how many seconds each policy was in force.
sub beside {
    my ($stage, $policy, $way, $mark, $count) = @_;
    my $out = $stage->at('reload.answer');
    my $pid = spawned(sub {
        my $answer = $stage->act($stage->at('reload.files'), 'open', CLIENTS, $count);
        open my $to, '>', $out or die "bench: $out: $!\n";
        print $to join(' ', %$answer);
        close $to or die "bench: $out: $!\n";
    });
    my @forces;
    while (!ended($pid)) {
        push @forces, replace_policy($stage, $policy, $way, "$mark " . scalar @forces) if $way ne 'none';
        sleep EACH_S;
    }
    die "bench: the clients failed beside policies ($way)\n" unless -e $out;
    my $answer = {split ' ', read_file($out)};
    unlink $out;
    return ($answer, @forces);
}

# A comment counts as another policy of the same rights; in front of a category it moves what dossiers are made of.
sub replace_policy {
    my ($stage, $policy, $way, $mark) = @_;
    my $text = read_file(Bench::Stage::POLICY);
    my $section = $way eq 'rights' ? qr/^\[role /m : qr/^\[category /m;
    $text =~ s/($section)/; $mark\n$1/ or die "bench: the policy lacks a section\n";
    my $before = () = read_file($stage->at('said')) =~ /in force, version/g;
    write_file("$policy.new", $text, 0644);
    rename "$policy.new", $policy or die "bench: $policy: $!\n";
    my $began = time;
    my $until = $began + FORCE_WAIT_S;
    while ((() = read_file($stage->at('said')) =~ /in force, version/g) == $before) {
        die "bench: a policy did not come in force\n" if time > $until;
        sleep 0.005;
    }
    return time - $began;
}

1;
