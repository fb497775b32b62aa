# What was measured: one sample a line, kept as it comes, so that nothing but the CSV is needed to calculate all again.
#
# A sample: row, clients, dossiers, system, round, value, unit, median_ns, p99_ns. The first four make a series, whose
# members are told apart by their round.
package Bench::Results;
use strict;
use warnings;

use Bench::Statistics ();

my @columns = qw(row clients dossiers system round value unit median_ns p99_ns);

# path: of a CSV file that gets every sample at once; undef: none. Dies if it can't be made.
sub new {
    my ($class, $path) = @_;
    my $self = bless {series => {}, path => $path}, $class;
    if (defined $path) {
        open $self->{csv}, '>', $path or die "bench: $path: $!\n";
        $self->{csv}->autoflush;
        print {$self->{csv}} join(',', @columns), "\n" or die "bench: $path: $!\n";
    }
    return $self;
}

sub add {
    my ($self, %sample) = @_;
    $self->{series}{key(@sample{qw(row clients dossiers system)})}{$sample{round}} = $sample{value};
    return unless $self->{csv};
    print {$self->{csv}} join(',', map { $_ // '' } @sample{@columns}), "\n" or die "bench: $self->{path}: $!\n";
    return;
}

sub finish {
    my ($self) = @_;
    return !$self->{csv} || close $self->{csv} || die "bench: $self->{path}: $!\n";
}

sub key { return join '|', map { $_ // '' } @_ }

# From the round to the value; empty if it wasn't measured. (row, clients, dossiers, system)
sub series { return $_[0]{series}{key(@_[1 .. 4])} // {} }
sub figures { return values %{series(@_)} }

# The ratios by round of one system to another.
sub ratios {
    my ($self, $row, $clients, $dossiers, $system, $peer) = @_;
    return Bench::Statistics::ratios($self->series($row, $clients, $dossiers, $system),
        $self->series($row, $clients, $dossiers, $peer));
}

1;
