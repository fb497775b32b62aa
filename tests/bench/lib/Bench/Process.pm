# Commands, files and people, for the bench.
package Bench::Process;
use strict;
use warnings;
use Exporter 'import';
use POSIX ();

our @EXPORT = qw(run capture become in_parallel read_file write_file random_bytes spawned ended);

# What runs beside this process and is to end with it: process numbers.
my %running;

sub run {
    my (@command) = @_;
    system(@command) == 0 or die "bench: failed: @command\n";
    return;
}

sub capture {
    my (@command) = @_;
    my $pid = open my $output, '-|', @command or die "bench: $command[0]: $!\n";
    $running{$pid} = 1;
    my $text = do { local $/; <$output> };
    my $closed = close $output;
    delete $running{$pid};
    die "bench: failed: @command\n" unless $closed;
    return $text;
}

# Gives up root for good, in a process that was forked for it.
sub become {
    my ($uid) = @_;
    $( = $uid;
    $) = "$uid $uid";
    POSIX::setuid($uid);
    POSIX::_exit(1) unless $> == $uid && $< == $uid && $) =~ /^\Q$uid\E\b/;
    return;
}

# Runs each code in a process of its own. How many failed.
sub in_parallel {
    my (@codes) = @_;
    my @pids = map { spawned($_) } @codes;
    my $failed = 0;
    for my $pid (@pids) {
        waitpid $pid, 0;
        $failed++ if $?;
        delete $running{$pid};
    }
    return $failed;
}

sub spawned {
    my ($code) = @_;
    my $pid = fork // die "bench: $!\n";
    if (!$pid) {
        my $done = eval { $code->(); 1 };
        print STDERR $@ unless $done;
        POSIX::_exit($done ? 0 : 1);
    }
    $running{$pid} = 1;
    return $pid;
}

# Whether it has ended; then it is not waited for any more.
sub ended {
    my ($pid) = @_;
    return 1 unless $running{$pid};
    return 0 if waitpid($pid, POSIX::WNOHANG()) == 0;
    delete $running{$pid};
    return 1;
}

# Ends what still runs.
sub end_all {
    my @pids = keys %running;
    kill 'TERM', @pids if @pids;
    waitpid $_, 0 for @pids;
    %running = ();
    return;
}

sub read_file {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "bench: $path: $!\n";
    local $/;
    return scalar <$file>;
}

# A new one.
sub write_file {
    my ($path, $content, $mode) = @_;
    sysopen my $file, $path, POSIX::O_WRONLY() | POSIX::O_CREAT() | POSIX::O_EXCL(), $mode // 0600 or die "bench: $path: $!\n";
    print $file $content;
    close $file or die "bench: $path: $!\n";
    return $path;
}

sub random_bytes {
    my ($length) = @_;
    open my $random, '<:raw', '/dev/urandom' or die "bench: $!\n";
    read($random, my $bytes, $length) == $length or die "bench: /dev/urandom: $!\n";
    return $bytes;
}

1;
