# A store, a policy and a mount of their own for one test, and people to look at them. Whatever happens, what a trial mounted
# is unmounted and what it started is ended when the test ends.
#
# The programs are copied into the trial's directory, so that a build nobody else may enter can be tested as any uid.
package Trial;
use strict;
use warnings;
use Exporter 'import';
use Fcntl;
use File::Copy ();
use File::Path qw(make_path remove_tree);
use File::Spec;
use File::Temp ();
use IO::Handle;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(run as_uid slurp_as names_as until_true errno_of write_file read_file within
    INCASSO KLANTCONTACT OPZICHTER FUNCTIONARIS BEHEER STRANGER OWNER);
use constant {INCASSO => 61001, KLANTCONTACT => 61002, OPZICHTER => 61003, FUNCTIONARIS => 61004, BEHEER => 61005};
use constant {STRANGER => 61999, OWNER => 61000};

my $build = File::Spec->rel2abs($ENV{BUILD} // 'build');
my $examples = File::Spec->rel2abs('examples');
my $me = $$;
my @trials;

# What a sanitizer finds goes where make said; the daemons can't write elsewhere.
$SIG{$_} = sub { exit 1 } for qw(TERM INT HUP);
$SIG{PIPE} = 'IGNORE';

# A small policy: who collects sees accounts, and a year of birth; who answers the telephone sees less; a term that ends after
# a date, one with a year-end, and one after capture.
my $policy = <<'POLICY';
[policy]
organisation = Stichting Proefhuis
timezone     = Europe/Amsterdam
contact      = functionaris@example.org
[mount]
suffix    = .txt
dossier   = dossier.txt
my-access = mijn-toegang.txt
[kind huurder]
label = Huurder
code  = [0-9]{4}-[0-9]{5}
[category naam]
retention = 2y after einddatum
[category contact]
retention = 30d after capture
[category geboorte]
retention = 2y after einddatum
[category betaling]
retention = 7y after einddatum year-end
[category contract]
retention = 2y after einddatum
[field achternaam]
label    = Achternaam
category = naam
type     = surname
[field telefoon]
label    = Telefoon
category = contact
type     = phone
[field geboortedatum]
label    = Geboortedatum
category = geboorte
type     = date
[field rekeningnummer]
label    = Rekeningnummer
category = betaling
type     = iban
[field huur]
label    = Huur per maand
category = contract
type     = amount
[field einddatum]
label    = Einde van de huur
category = contract
type     = date
[purpose huur-innen]
label  = Innen van de huur
ground = A
kinds  = huurder
fields = naam, geboorte, betaling, contract
[purpose communicatie]
label  = Communiceren met huurders
ground = A
kinds  = huurder
fields = naam, contact, geboorte, rekeningnummer
[purpose onderhoud]
label  = Onderhoud
ground = A
kinds  = huurder
fields = telefoon
[role incasso]
label    = Incasso
members  = 61001
purposes = huur-innen, communicatie
[role klantcontact]
label    = Klantcontact
members  = 61002
purposes = communicatie
mask     = geboortedatum:year, rekeningnummer:last4
[role opzichter]
label    = Opzichter
members  = 61003
purposes = onderhoud
[role functionaris]
label    = Functionaris
members  = 61004
commands = log.*
[role beheer]
label    = Applicatiebeheer
members  = 61005
commands = import
[secrecy]
bound  = 61001 2020-01-01, 61002 2020-01-01, 61003 2020-01-01
bound += 61004 2020-01-01, 61005 2020-01-01
POLICY
sub small_policy { return $policy }

# Three tenants. Nobody of them exists; the accounts are of no bank.
sub rows {
    return [
        [qw(code achternaam telefoon geboortedatum rekeningnummer huur einddatum)],
        ['2020-00001', 'Noordstam',    '+31612345678', '1970-03-04', 'NL54TEST3514607673', '612.50', ''],
        ['2020-00002', 'Quintbrugge',  '+31687654321', '1981-11-30', 'NL65TEST3631929654', '733.10', ''],
        ['2020-00003', 'van Égmondwei', '',            '1990-08-18', '',                   '501.00', ''],
    ];
}

sub csv_of {
    my ($rows) = @_;
    return join '', map { join(',', @$_) . "\n" } @$rows;
}

# The values of one line; the delimiter is ',' unless said.
sub split_csv {
    my ($line, $delimiter) = @_;
    $delimiter //= ',';
    my @values;
    while ($line =~ /\G(?:"((?:[^"]|"")*)"|([^"\Q$delimiter\E]*))(\Q$delimiter\E|$)/g) {
        my ($value, $end) = ($1 // $2, $3);
        push @values, $value =~ s/""/"/gr;
        last if $end eq '';
    }
    return @values;
}

# ---- set-up ------------------------------------------------------------------------------------------------------------

# Skips the whole test, aloud, where it can't run. Names of programs in tests/, and faketime.
sub needs {
    my (@programs) = grep { $_ ne 'faketime' } @_;
    plan skip_all => 'libfaketime is not installed' if @programs < @_ && !faketime();
    plan skip_all => 'only root can mount for several users' if $> != 0;
    plan skip_all => 'this machine has no /dev/fuse' unless -c '/dev/fuse';
    for my $program ('dossier', 'dossierfs', map { "tests/$_" } @programs) {
        BAIL_OUT("$build/$program is not built") unless -x "$build/$program";
    }
    return;
}

# policy => text, policy_file => path, csv => text or undef, programs => [names in tests/], store_on => directory,
# args => further arguments of dossierfs
sub new {
    my ($class, %o) = @_;
    my $dir = File::Temp::mkdtemp('/var/tmp/dossierfs-test-XXXXXX');
    my $self = bless {dir => $dir, args => $o{args} // [], env => {}, daemons => {}}, $class;
    push @trials, $self;
    chmod 0755, $dir;
    make_path(map { "$dir/$_" } qw(bin mnt));
    for my $program ('dossier', 'dossierfs', 'sample-data', map { "tests/$_" } @{$o{programs} // []}) {
        my $to = "$dir/bin/" . (split m{/}, $program)[-1];
        File::Copy::copy("$build/$program", $to) or die "$program: $!";
        chmod 0755, $to;
    }
    $self->{store} = ($o{store_on} // $dir) . '/store';
    $self->{mnt} = "$dir/mnt";
    $self->{key} = "$dir/key";
    $self->{control} = "$dir/control.sock";
    $self->{policy} = "$dir/policy.ini";
    write_file($self->{policy}, $o{policy_file} ? read_file($o{policy_file}) : $o{policy} // $policy);
    $self->must('init', '--owner', OWNER);
    my $csv = exists $o{csv} ? $o{csv} : csv_of(rows());
    $self->import_csv($csv) if defined $csv;
    return $self;
}

# The process that the test is, and not one of its children.
sub owner { return $me }

sub example_policy { return "$examples/woningcorporatie.ini" }
sub built { return "$build/$_[0]" }
sub bin { return "$_[0]{dir}/bin/$_[1]" }
sub at { return join '/', $_[0]{mnt}, @_[1 .. $#_] }

# The command as root without the daemon, or, with uid => N, as that person. (status, stdout, stderr)
sub dossier {
    my ($self, $options, @words) = @_;
    my @globals = ('--store', $self->{store}, '--policy', $self->{policy}, '--control', $self->{control});
    push @globals, '--key-file', $self->{key} unless $options->{uid};
    return run({%$options, env => {%{$self->{env}}, %{$options->{env} // {}}}}, $self->bin('dossier'), @globals, @words);
}

sub must {
    my ($self, @words) = @_;
    my ($status, $out, $err) = $self->dossier({}, @words);
    die "dossier @words: exit $status\n$out$err" if $status;
    return $out;
}

# By the application administrator when mounted.
sub import_csv {
    my ($self, $csv, @options) = @_;
    my $uid = $self->mounted ? BEHEER : 0;
    my ($status, $out, $err) = $self->dossier({uid => $uid, stdin => $csv}, 'import', '--kind', 'huurder', @options, '-');
    die "import: exit $status\n$out$err" if $status;
    return $out;
}

# Entries of the log, oldest first: as the officer when mounted, as the holder of the key otherwise.
sub log_entries {
    my ($self, @filters) = @_;
    return map { decode_json($_) } $self->log_lines(@filters);
}

# The same as text, which is much faster where there are many.
sub log_lines {
    my ($self, @filters) = @_;
    my ($status, $out, $err) = $self->dossier({uid => $self->mounted ? FUNCTIONARIS : 0}, 'log', 'show', '--json', @filters);
    die "log show: exit $status\n$err" if $status;
    return split /\n/, $out;
}

# Exit status of log verify; 5 is what a log in order gives, as long as no anchor is kept.
sub verify {
    my ($self) = @_;
    my ($status, $out, $err) = run({}, $self->bin('dossier'), '--store', $self->{store}, 'log', 'verify');
    diag("$out$err") if $status != 5;
    return $status;
}

# From now on it is that moment (local time in the policy's zone, and it stands still) for the daemon, and for commands
# without it. The monotonic clock goes on.
sub at_time {
    my ($self, $moment) = @_;
    my $clock = "$self->{dir}/clock";
    $self->{env} = {
        LD_PRELOAD => faketime(), FAKETIME_TIMESTAMP_FILE => $clock, FAKETIME_NO_CACHE => 1, DONT_FAKE_MONOTONIC => 1,
        TZ => 'Europe/Amsterdam',
    };
    write_file("$clock.new", "$moment\n");
    rename "$clock.new", $clock or die "rename: $!";
    return;
}

sub faketime { return (grep { -e } glob('/usr/lib/*/faketime/libfaketimeMT.so.1'))[0] }

# ---- the mount -----------------------------------------------------------------------------------------------------------

sub mounted {
    my ($self, $path) = @_;
    $path //= $self->{mnt};
    return scalar grep { (split ' ')[1] eq $path } split /\n/, read_file('/proc/self/mounts');
}

# Starts the daemon (wrap => [a command before it]) in the foreground, with standard error in a file; true once it serves.
sub start {
    my ($self, %o) = @_;
    my @command = (@{$o{wrap} // []}, $self->bin('dossierfs'), '-f', '-s', $self->{store}, '-p', $self->{policy}, '-k', $self->{key},
        '--control', $self->{control}, @{$self->{args}}, $self->{mnt});
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        local %ENV = (%ENV, %{$self->{env}}, %{$o{env} // {}});
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/said" or POSIX::_exit(99);
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(99);
    }
    $self->{keeper} = $pid;
    my $ended = 0;
    # What a dead daemon left behind is a mount too, but gives no answer.
    until_true($o{seconds} // 20, sub {
        ($ended = waitpid($pid, POSIX::WNOHANG()) == $pid)
            || ($self->mounted && !lstat("$self->{mnt}/no-such-name") && $!{ENOENT});
    }) or diag("the mount did not come up:\n" . $self->said);
    if ($ended) {
        delete $self->{keeper};
        $self->{status} = $?;
        return 0;
    }
    ($self->{daemon}) = children($pid);
    return 0 unless $self->mounted && $self->{daemon};
    return 1;
}

sub children {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/task/$pid/children" or return;
    return split ' ', <$file> // '';
}

sub said { return -e "$_[0]{dir}/said" ? read_file("$_[0]{dir}/said") : '' }
# Not unlinked: the daemon goes on writing into it.
sub forget_said { truncate "$_[0]{dir}/said", 0; return }

# Waits for the keeper. Its wait status, or undef if it didn't end in time.
sub ended {
    my ($self, $seconds) = @_;
    my $pid = $self->{keeper} // return $self->{status};
    until_true($seconds // 10, sub { waitpid($pid, POSIX::WNOHANG()) == $pid and $self->{status} = $? or 0; !kill 0, $pid })
        or return undef;
    delete @$self{qw(keeper daemon)};
    return $self->{status};
}

sub stop {
    my ($self, $signal) = @_;
    kill $signal // 'TERM', $self->{keeper} if $self->{keeper};
    return $self->ended(15);
}

END {
    my $status = $?;
    if ($$ == $me) {
        eval { $_->clear; 1 } or warn $@ for @trials;
    }
    $? = $status;
}

sub clear {
    my ($self) = @_;
    my ($keeper, $daemon) = delete @$self{qw(keeper daemon)};
    if ($keeper) {
        kill 'TERM', $keeper;
        my $gone = until_true(8, sub { waitpid($keeper, POSIX::WNOHANG()) != 0 });
        kill 'KILL', $keeper, $daemon // () unless $gone;
    }
    # Only below our own directory, which nobody else mounts on.
    for my $line (reverse split /\n/, read_file('/proc/self/mounts')) {
        my $path = (split ' ', $line)[1];
        system('umount', '-l', $path) if index($path, "$self->{dir}/") == 0;
    }
    remove_tree($self->{dir}, {safe => 0});
    return;
}

# ---- other people ----------------------------------------------------------------------------------------------------------

sub become {
    my ($uid) = @_;
    return unless $uid;
    $) = "$uid $uid";
    $( = $uid;
    POSIX::setgid($uid);
    POSIX::setuid($uid);
    die "can't become $uid" if $< != $uid || $> != $uid;
    return;
}

# Runs the code in a process of that uid, and gives back what it returns (a list of plain values, or references to such).
sub as_uid {
    my ($uid, $code) = @_;
    pipe my $from, my $to or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        close $from;
        my $text = eval { become($uid); encode_json([$code->()]) } // encode_json([{died => "$@"}]);
        print $to $text;
        close $to;
        POSIX::_exit(0);
    }
    close $to;
    my $text = do { local $/; <$from> };
    waitpid $pid, 0;
    my @result = @{decode_json($text)};
    die $result[0]{died} if @result == 1 && ref $result[0] eq 'HASH' && defined $result[0]{died};
    return wantarray ? @result : $result[0];
}

# The bytes of a file as that person, or the name of the error: ENOENT.
sub slurp_as {
    my ($uid, $path) = @_;
    my $hex = as_uid($uid, sub {
        sysopen my $file, $path, O_RDONLY or return errno_of();
        my $bytes = '';
        while (1) {
            my $got = sysread $file, $bytes, 65536, length $bytes;
            return errno_of() unless defined $got;
            last unless $got;
        }
        return 'hex:' . unpack 'H*', $bytes;
    });
    return $hex =~ s/^hex:// ? pack 'H*', $hex : $hex;
}

# The names in a directory, sorted, with a blank between them; or the name of the error.
sub names_as {
    my ($uid, $path) = @_;
    return as_uid($uid, sub {
        opendir my $dir, $path or return errno_of();
        return join ' ', sort grep { !/^\.\.?$/ } readdir $dir;
    });
}

sub errno_of {
    my ($number) = @_;
    $number //= $! + 0;
    local $! = $number;
    my ($name) = grep { $!{$_} } keys %!;
    return $name // "errno $number";
}

# Without a name: what is printed into it may be personal.
sub anonymous_file {
    my ($handle, $path) = File::Temp::tempfile('dossierfs-test-XXXXXX', DIR => '/var/tmp', UNLINK => 0);
    unlink $path;
    return $handle;
}

# Runs a command; uid => N, stdin => text, env => {}, cwd => directory. (exit status, stdout, stderr); a signal is 128 + its
# number.
sub run {
    my ($o, @command) = @_;
    my ($in, $out, $err) = map { anonymous_file() } 1 .. 3;
    print $in $o->{stdin} // '';
    $in->flush;
    seek $in, 0, 0;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        eval {
            open STDIN, '<&', $in;
            open STDOUT, '>&', $out;
            open STDERR, '>&', $err;
            local %ENV = (%ENV, %{$o->{env} // {}});
            chdir($o->{cwd}) or die "$o->{cwd}: $!" if $o->{cwd};
            become($o->{uid});
            exec @command;
        };
        print STDERR "$command[0]: $@ $!\n";
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    return ($status, map { seek $_, 0, 0; local $/; <$_> // '' } $out, $err);
}

# ---- a probe: a process of that person which keeps files open (probe.c) ----------------------------------------------------

sub probe {
    my ($self, $uid) = @_;
    pipe my $its_in, my $to or die "pipe: $!";
    pipe my $from, my $its_out or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<&', $its_in;
        open STDOUT, '>&', $its_out;
        close $_ for $its_in, $its_out, $to, $from;
        eval { become($uid); exec $self->bin('probe') };
        POSIX::_exit(127);
    }
    $to->autoflush;
    return bless {pid => $pid, to => $to, from => $from}, 'Trial::Probe';
}

# The probe's answer; bytes that it read come as they were.
sub Trial::Probe::ask {
    my ($self, $command) = @_;
    print {$self->{to}} "$command\n";
    my $answer = readline($self->{from}) // die 'the probe ended';
    chomp $answer;
    $answer =~ s/ $//;
    return $answer =~ s/^hex:// ? pack 'H*', $answer : $answer;
}

# The same as a hash: {open => 'ENOENT', ...}
sub Trial::Probe::asked {
    my ($self, $command) = @_;
    return {map { split /=/, $_, 2 } split ' ', $self->ask($command)};
}

sub Trial::Probe::end {
    my ($self) = @_;
    close delete $self->{to} if $self->{to};
    close delete $self->{from} if $self->{from};
    waitpid delete $self->{pid}, 0 if $self->{pid};
    return;
}
sub Trial::Probe::DESTROY { local ($?, $!); $_[0]->end }

# ---- small things ------------------------------------------------------------------------------------------------------------

# True as soon as the code says so; false when the time is over.
sub until_true {
    my ($seconds, $code) = @_;
    my $end = time + $seconds;
    while (1) {
        return 1 if $code->();
        return 0 if time > $end;
        sleep 0.01;
    }
    return;
}

# The code's result and how many seconds it took.
sub within {
    my ($code) = @_;
    my $begin = time;
    my $result = $code->();
    return ($result, time - $begin);
}

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    return $path;
}

sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/;
    return <$file> // '';
}

1;
