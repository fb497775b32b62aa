# The places that are measured: stores of invented tenants and their mounts, and the same files for the peers. All of it lies
# in one working directory, which goes when the stage is cleared.
package Bench::Stage;
use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();
use Time::HiRes qw(sleep time);

use Bench::Process;

use constant {
    OWNER        => 61000, # of the stores; the daemons run as it
    READER       => 61006, # a member of the role that lets: the purpose below shows about 20 fields to it
    PURPOSE      => 'overeenkomst-sluiten',
    KIND         => 'huurder',
    POLICY       => 'examples/woningcorporatie.ini',
    READERS      => 8,
    MOUNT_WAIT_S => 120,
    END_WAIT_S   => 60,
};

# build: where the programs are
sub new {
    my ($class, $build) = @_;
    my $self = bless {build => $build, mounts => [], daemons => {}}, $class;
    $self->{work} = tempdir('bench-XXXXXXXX', DIR => reader_reaches($build) ? $build : '/var/tmp');
    chmod 0755, $self->{work};
    # The reader may not be able to reach the build.
    run('cp', "$build/tests/clients", $self->{work});
    write_file($self->at('key'), random_bytes(64));
    $self->{can_crash} = capture("$build/dossierfs", '--help') =~ /--log-durability/;
    return $self;
}

sub at { return join '/', $_[0]{work}, @_[1 .. $#_] }

# A tree under /root is closed to everyone else.
sub reader_reaches {
    my ($directory) = @_;
    return !in_parallel(sub { become(READER); -x $directory or POSIX::_exit(1) });
}

# The bytes that are free under the working directory.
sub free_bytes { return capture('df', '-B1', '--output=avail', $_[0]{work}) =~ s/\D//gr }
sub fs_type    { return capture('findmnt', '-n', '-o', 'FSTYPE', '-T', $_[0]{work}) =~ s/\s+\z//r }

# ---- stores -----------------------------------------------------------------------------------------------------

# A file of `count` tenants whose tenancy runs, so that the reader sees all of them. Its path, and the codes in order.
sub write_csv {
    my ($self, $count) = @_;
    my $path = $self->at("tenants-$count.csv");
    my @codes;
    # About 68% have no end.
    my $pid = open my $rows, '-|', "$self->{build}/sample-data", '--count', int(1.6 * $count) + 100
        or die "bench: sample-data: $!\n";
    open my $csv, '>', $path or die "bench: $path: $!\n";
    print $csv scalar <$rows>;
    while (@codes < $count && defined(my $row = <$rows>)) {
        next unless $row =~ /,$/;
        print $csv $row;
        push @codes, $row =~ /^([^,]+)/;
    }
    kill 'TERM', $pid;
    close $rows;
    close $csv or die "bench: $path: $!\n";
    die "bench: sample-data gave too few tenants\n" if @codes < $count;
    return ($path, sort @codes);
}

sub make_store {
    my ($self, $name) = @_;
    capture("$self->{build}/dossier", '-s', $self->at($name), 'init', '--key-file', $self->at('key'), '--owner', OWNER);
    return;
}

# The seconds it took.
sub import_csv {
    my ($self, $name, $csv) = @_;
    my $began = time;
    capture("$self->{build}/dossier", '-s', $self->at($name), '-p', POLICY, '--key-file', $self->at('key'), '--control',
        $self->at('none'), 'import', '--kind', KIND, $csv);
    return time - $began;
}

sub copy_store {
    my ($self, $from, $to) = @_;
    run('cp', '-a', $self->at($from), $self->at($to));
    return;
}

# records: bytes of everything but the log, as the disk has them; segments: bytes of the log, without the zeros at the end;
# index: bytes of its index.
sub store_bytes {
    my ($self, $name) = @_;
    my %bytes = (records => 0, segments => 0, index => 0);
    for my $path (glob($self->at($name) . '/* ' . $self->at($name) . '/documents/*')) {
        $bytes{records} += 512 * (stat $path)[12] if -f $path;
    }
    for my $path (glob($self->at($name, 'log') . '/*')) {
        $bytes{segments} += used_bytes($path) if $path =~ /\.seg\z/;
        $bytes{index}    += -s $path if $path =~ /index/;
    }
    return \%bytes;
}

# Segments are preallocated: what counts is what was written into them.
sub used_bytes {
    my ($path) = @_;
    my $at = -s $path;
    open my $file, '<:raw', $path or die "bench: $path: $!\n";
    while ($at > 0) {
        my $length = $at < 65536 ? $at : 65536;
        seek $file, $at - $length, 0;
        read($file, my $block, $length) == $length or die "bench: $path: $!\n";
        my $used = length($block =~ s/\0+\z//r);
        return $at - $length + $used if $used;
        $at -= $length;
    }
    return 0;
}

# So that a start finds all of it in the page cache.
sub warm {
    my ($self, $name) = @_;
    run('sh', '-c', 'find "$1" -type f -exec cat {} + >/dev/null', 'sh', $self->at($name));
    return;
}

sub remove {
    my ($self, @names) = @_;
    run('rm', '-rf', map { $self->at($_) } @names);
    return;
}

# ---- mounts -----------------------------------------------------------------------------------------------------

# Mounts a store at `name` and waits until it answers; under another policy than the flagship if one is given. durability: 'power', or 'crash'. {daemon => process number, ms => from
# the start of the program to the first answer}.
sub mount_store {
    my ($self, $store, $name, $durability, $policy) = @_;
    my @command = ("$self->{build}/dossierfs", '-f', '-s', $self->at($store), '-p', $policy // POLICY, '-k', $self->at('key'),
        '--control', $self->at("$name.sock"), $durability eq 'crash' ? ('--log-durability', 'crash') : (), $self->at($name));
    make_path($self->at($name));
    push @{$self->{mounts}}, $name;
    my $began = time;
    my $keeper = spawned(sub {
        POSIX::setsid(); # a Ctrl-C is for the bench, which unmounts
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->at('said');
        open STDERR, '>&', \*STDOUT;
        exec @command or die "$command[0]: $!\n";
    });
    $self->{daemons}{$name} = $keeper;
    $self->wait_for($name, 0.0005, sub { ended($keeper) });
    my $ms = 1000 * (time - $began);
    my ($daemon) = split ' ', read_file("/proc/$keeper/task/$keeper/children");
    return {daemon => $daemon, ms => $ms};
}

sub make_gocryptfs {
    my ($self) = @_;
    my ($cipher, $pass) = map { $self->at($_) } qw(cipher pass);
    make_path($cipher, $self->at('gocryptfs'));
    write_file($pass, unpack('H*', random_bytes(16)) . "\n");
    # scryptn only weighs on the mount, which isn't measured.
    run('gocryptfs', '-q', '-init', '-scryptn', 10, '-passfile', $pass, $cipher);
    return;
}

# Files are written before others are let in: with -allow_other each creation changes the user of every thread, which takes
# some milliseconds.
sub mount_gocryptfs {
    my ($self, @options) = @_;
    push @{$self->{mounts}}, 'gocryptfs';
    run('gocryptfs', '-q', '-nosyslog', @options, '-passfile', map { $self->at($_) } qw(pass cipher gocryptfs));
    $self->wait_for('gocryptfs', 0.05, sub { 0 });
    return;
}

sub mount_floor {
    my ($self) = @_;
    make_path($self->at('floor'));
    push @{$self->{mounts}}, 'floor';
    run('sh', '-c', 'exec "$1" "$2" <"$3"', 'sh', "$self->{build}/tests/floor", $self->at('floor'), $self->at('tree'));
    $self->wait_for('floor', 0.05, sub { 0 });
    return;
}

# Until the directory is another file system's, which a mount tells only when it answers.
sub wait_for {
    my ($self, $name, $each_s, $has_died) = @_;
    my $until = time + MOUNT_WAIT_S;
    while ((stat $self->at($name))[0] == (stat $self->{work})[0]) {
        my $said = -e $self->at('said') ? read_file($self->at('said')) : '';
        die "bench: the daemon of $name could not start: $said\n" if $has_died->();
        die "bench: $name did not mount within ", MOUNT_WAIT_S, " s: $said\n" if time > $until;
        sleep $each_s;
    }
    return;
}

# And waits for its daemon, which may still have a store to close.
sub unmount {
    my ($self, $name) = @_;
    for my $try (1 .. 50) {
        last unless is_mounted($self->at($name));
        system('umount', $try < 50 ? () : '-l', $self->at($name)) == 0 or sleep 0.1;
    }
    my $keeper = delete $self->{daemons}{$name};
    my $until = time + END_WAIT_S;
    sleep 0.005 while $keeper && !ended($keeper) && time < $until;
    @{$self->{mounts}} = grep { $_ ne $name } @{$self->{mounts}};
    return;
}

sub is_mounted {
    my ($at) = @_;
    open my $table, '<', '/proc/self/mounts' or die "bench: $!\n";
    return scalar grep { (split ' ')[1] eq $at } <$table>;
}

# rss: all that the process has in memory; own: the part that is no file's. Bytes.
sub memory_of {
    my ($daemon) = @_;
    my %kb = read_file("/proc/$daemon/smaps_rollup") =~ /^(\w+):\s+(\d+) kB/mg;
    return {rss => 1024 * $kb{Rss}, own => 1024 * ($kb{Pss} - ($kb{Pss_File} // 0))};
}

# ---- the same files for the peers -------------------------------------------------------------------------------

# Reads everything at the mount `name` as the reader (root has no role and sees none), for the floor's tree, and gives
# gocryptfs and the plain file system the same. How many files there are.
sub copy_files {
    my ($self, $name, @codes) = @_;
    my @parts = map { $self->at("tree.$_") } 1 .. READERS;
    my @readers = map {
        my $part = $_;
        sub { read_part($self->at($name), $parts[$part], @codes[grep { $_ % READERS == $part } 0 .. $#codes]) }
    } 0 .. READERS - 1;
    in_parallel(@readers) == 0 or die "bench: the reader, uid ", READER, ", can't read what ", PURPOSE, " shows\n";
    mkdir $self->at('plain');
    my @files = map { scalar(() = each_file($_, sub { })) } @parts;
    in_parallel(map { my $part = $_; sub { $self->write_part($part) } } @parts) == 0 or die "bench: the peers' files failed\n";
    run('sh', '-c', 'out=$1; shift; cat "$@" >"$out" && rm "$@"', 'sh', $self->at('tree'), @parts);
    my $all = 0;
    $all += $_ for @files;
    return $all;
}

sub read_part {
    my ($root, $part, @codes) = @_;
    open my $to, '>:raw', $part or die "bench: $part: $!\n";
    become(READER);
    for my $code (@codes) {
        my $dossier = PURPOSE . "/$code";
        opendir my $listing, "$root/$dossier" or die "bench: $dossier: $!\n";
        for my $path (map { "$dossier/$_" } sort grep { !/^\.\.?\z/ } readdir $listing) {
            my $content = read_file("$root/$path");
            print $to pack('NN', length $path, length $content), $path, $content;
        }
    }
    close $to or die "bench: $part: $!\n";
    return;
}

# The results of `each`, called with path and content; floor.c describes the form.
sub each_file {
    my ($part, $each) = @_;
    my @results;
    open my $from, '<:raw', $part or die "bench: $part: $!\n";
    while (read($from, my $lengths, 8) == 8) {
        my ($path_length, $length) = unpack 'NN', $lengths;
        read($from, my $path, $path_length);
        read($from, my $content, $length);
        push @results, scalar $each->($path, $content);
    }
    return @results;
}

sub write_part {
    my ($self, $part) = @_;
    my %made;
    each_file($part, sub {
        my ($path, $content) = @_;
        my ($directory) = $path =~ m{^(.*)/};
        for my $system (qw(gocryptfs plain)) {
            make_path($self->at($system, $directory)) unless $made{"$system/$directory"}++;
            write_file($self->at($system, $path), $content, 0644);
        }
        return;
    });
    return;
}

# ---- clients ----------------------------------------------------------------------------------------------------

# A file with paths, one a line, below the mount `name`.
sub write_list {
    my ($self, $list, $name, @paths) = @_;
    return write_file($self->at($list), join('', map { $self->at($name, PURPOSE, $_) . "\n" } @paths), 0644);
}

# The clients' answer (clients.c), as the reader: {wall, median, p99 in ns, seen, worst in ns}.
sub act {
    my ($self, $list, $action, $clients, $count, @fields) = @_;
    my @as_reader = ('setpriv', '--reuid', READER, '--regid', READER, '--clear-groups');
    my %answer;
    @answer{qw(wall median p99 seen worst)} = split ' ', capture('sh', '-c', 'list=$1; shift; exec "$@" <"$list"', 'sh', $list,
        @as_reader, $self->at('clients'), $action, $clients, $count, @fields);
    return \%answer;
}

# ns: append, in place, direct, nothing (flushes.c)
sub flushes {
    my ($self, $count) = @_;
    return split ' ', capture("$self->{build}/tests/flushes", $self->at('flush'), $count);
}

# ---- the end ----------------------------------------------------------------------------------------------------

sub clear {
    my ($self) = @_;
    $self->unmount($_) for reverse @{[@{$self->{mounts}}]};
    Bench::Process::end_all();
    # gocryptfs and floor may still be closing files after their mount has gone: what is written then must not bring a
    # directory back.
    for (1 .. 50) {
        system('sh', '-c', 'rm -rf --one-file-system "$1" 2>/dev/null', 'sh', $self->{work});
        last unless -e $self->{work};
        sleep 0.1;
    }
    return;
}

1;
