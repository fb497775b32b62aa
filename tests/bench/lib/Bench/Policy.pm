# What the policy costs: a decision, and the commands that read a policy. Nothing is mounted.
package Bench::Policy;
use strict;
use warnings;
use File::Temp;
use Time::HiRes qw(time);

use Bench::Process;
use Bench::Stage;

# What is printed of each: the row, its title, by what its value is multiplied, how it is written, and its goal.
our @ROWS = (
    ['decide-few',    'ns a decision, for a caller in 3 of 20 roles',  1,    '%.1f', 1000],
    ['decide-all',    '  in all 20',                                   1,    '%.1f', 1000],
    ['match',         'ns to find the roles of a caller',              1,    '%.0f'],
    ['load',          'ms to load the policy',                         1e-6, '%.2f'],
    (map { ["policy-$_", "ms for dossier policy $_, the flagship", 1e-6, '%.1f', 1000] } qw(check matrix diff never register statement)),
);

my %commands = (
    check     => ['policy', 'check', Bench::Stage::POLICY],
    matrix    => ['-p', Bench::Stage::POLICY, 'policy', 'matrix'],
    never     => ['-p', Bench::Stage::POLICY, 'policy', 'never', 'recipient sees special', 'recipient sees anything without agreement',
        'anyone sees betaling for communicatie'],
    register  => ['-p', Bench::Stage::POLICY, 'policy', 'register', '--format', 'html'],
    statement => ['-p', Bench::Stage::POLICY, 'policy', 'statement'],
);

# build: where the programs are. scale: {rounds, decisions}
sub measure {
    my ($build, $scale, $results, $told) = @_;
    my $changed = changed_copy(my $directory = File::Temp->newdir);
    for my $round (1 .. $scale->{rounds}) {
        $told->("policy, round $round of $scale->{rounds}");
        my @sample = (clients => 1, system => 'dossierfs', round => $round, unit => 'ns');
        my %ns;
        @ns{qw(decide-few decide-all match load)} = split ' ', capture("$build/tests/decisions", $scale->{decisions});
        $results->add(@sample, row => $_, value => $ns{$_}) for sort keys %ns;
        for my $command (sort keys %commands) {
            my $began = time;
            capture("$build/dossier", @{$commands{$command}});
            $results->add(@sample, row => "policy-$command", value => 1e9 * (time - $began));
        }
        my $began = time;
        # Exit code 1: there are differences.
        capture('sh', '-c', '"$@"; test $? = 1', 'sh', "$build/dossier", 'policy', 'diff', Bench::Stage::POLICY, $changed);
        $results->add(@sample, row => 'policy-diff', value => 1e9 * (time - $began));
    }
    return;
}

# Every mask of the flagship is another one, and a role is gone.
sub changed_copy {
    my ($directory) = @_;
    my $text = read_file(Bench::Stage::POLICY);
    $text =~ s/:(?:year|last4)\b/:first1/g or die "bench: the policy has no masks to be changed\n";
    $text =~ s/^\[role accountant\]\n(?:(?!\[).*\n)*//m or die "bench: the policy has no role that can go\n";
    return write_file("$directory/changed.ini", $text);
}

1;
