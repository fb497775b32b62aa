#!/usr/bin/perl
# Goal: a checkpoint gets to each place that the policy names, what fails is told at once and until it works again, and what was
# sent is what convicts a log that is put back.
use strict;
use warnings;
use lib 'tests/mount/lib';
use File::Copy ();
use File::Path qw(make_path);
use IO::Socket::UNIX;
use JSON::PP;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Trial;

Trial::needs('faketime');
my $trial = Trial->new;
my $dir = $trial->{dir};
my $policy = read_file($trial->{policy});

sub policy_sends {
    my ($first, @more) = split /, /, $_[0];
    write_file($trial->{policy}, $policy . "[log]\nsend = $first\n" . join '', map { "send += $_\n" } @more);
    return;
}

sub send_now { return run({env => {%{$trial->{env}}, %{$_[0] // {}}}}, $trial->bin('dossier'), '-s', $trial->{store}, '-p', $trial->{policy}, 'log', 'send') }

sub status {
    my ($exit, $out, $err) = $trial->dossier({uid => 0}, 'status', '--json');
    diag($err) if $err;
    return ($exit, decode_json($out)->{sent});
}

sub program {
    my ($name, $text) = @_;
    write_file("$dir/$name", $text);
    chmod 0755, "$dir/$name";
    return "$dir/$name";
}

$trial->at_time('2027-01-04 10:00:00');
my ($exit, $out, $err) = send_now();
is("$exit $err", "2 dossier: the policy names no place: `send` in its [log] section\n", 'without a place nothing is sent, and that is said');
is((run({}, $trial->bin('dossier'), '-s', $trial->{store}, 'log', 'send'))[0], 2, 'without a policy too');

my $takes = program('takes', "#!/bin/sh\nenv >$dir/environment\ncat >$dir/taken\necho said by it\n");
policy_sends("file $dir/kept, command $takes");
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
slurp_as(INCASSO, "$trial->{mnt}/huur-innen/2020-00001/huur.txt");
($exit, my $sent) = status();
is($exit, 1, 'as long as nothing was sent, status exits with 1');
is_deeply([map { "$_->{place} $_->{sent_s} $_->{late}" } @$sent], ["file $dir/kept 0 1", "command $takes 0 1"], '... and says so of each');
my $checkpoint = sub { (run({}, $trial->bin('dossier'), '-s', $trial->{store}, 'log', 'checkpoint'))[1] };
my $is_signed = until_true(10, sub { $checkpoint->() =~ /\n(\d+)\n/ && $1 > 4 });
ok($is_signed, 'the log signs');
($exit, $out, $err) = send_now({SECRET => 'of the caller'});
is("$exit $out", '0 ', 'it is sent') or diag($err);
like($err, qr/^said by it$/m, 'what the program says is seen');
my $kept = read_file("$dir/kept");
like($kept, qr{^dossierfs/[0-9a-f]{32}\n\d+\n.*\n\n— }s, 'a checkpoint is in the file');
is(read_file("$dir/taken"), $kept, 'and the same was given to the program');
unlike(read_file("$dir/environment"), qr/SECRET/, 'which gets nothing of the environment');
my ($size) = $kept =~ /\n(\d+)\n/;
($exit, $sent) = status();
is($exit, 0, 'status has nothing to say against it');
is_deeply([map { "$_->{entries} $_->{late} [$_->{failed}]" } @$sent], ["$size 0 []", "$size 0 []"], '... and tells how far each place vouches');
like(($trial->dossier({uid => 0}, 'status'))[1], qr/^sent to      file \Q$dir\E\/kept, at 2027-01-04.*, up to entry $size$/m, '... to people too');
is((stat "$trial->{store}/log/sent")[4], OWNER, 'what was noted is the store owner\'s');

$trial->at_time('2027-01-05 21:59:59');
is((status())[0], 0, 'after 35 hours, 59 minutes and 59 seconds it is not late');
$trial->at_time('2027-01-05 22:00:01');
is((status())[0], 1, 'after 36 hours it is');
like(($trial->dossier({uid => 0}, 'status'))[1], qr/^ +LATE: /m, '... and people are told why');

my $fails = program('fails', "#!/bin/sh\nexit 3\n");
my $dies = program('dies', "#!/bin/sh\nkill -9 \$\$\n");
policy_sends("command $fails, command $dies, command $dir/none, command $dir, file $dir/none/kept, file /dev/full, file $dir/kept");
($exit, $out, $err) = send_now();
is($exit, 2, 'a place that can\'t be reached: exit 2');
like($err, qr/^dossier: command \Q$fails\E: it failed \(exit code 3\)$/m, 'a program that fails');
like($err, qr/^dossier: command \Q$dies\E: it was ended by signal 9$/m, 'one that dies');
like($err, qr/^dossier: command \Q$dir\E\/none: it can't be run$/m, 'one that is not there');
like($err, qr/^dossier: command \Q$dir\E: it can't be run$/m, 'one that is none');
like($err, qr/^dossier: file \Q$dir\E\/none\/kept: No such file or directory$/m, 'a directory that is not there');
like($err, qr/^dossier: file \/dev\/full: /m, 'a disk that is full');
ok(until_true(5, sub { (status())[1][0]{place} eq "command $fails" }), 'the policy is in force');
($exit, $sent) = status();
is($exit, 1, 'status tells it');
is_deeply([map { $_->{failed} ne '' ? 1 : 0 } @$sent], [1, 1, 1, 1, 1, 1, 0], '... of those that failed');
is($sent->[6]{late} + 0, 0, 'the place that works was served all the same');

write_file("$dir/other", $kept =~ s{^dossierfs/\w+}{dossierfs/00000000000000000000000000000000}r);
write_file("$dir/nothing", "shopping list\n");
write_file("$dir/longer", $kept =~ s/\n$size\n/\n999999\n/r);
for (['other', 'it holds checkpoints of another log'], ['nothing', 'it holds something else than checkpoints'],
    ['longer', 'the log has become shorter than it says: see dossier log verify --since']) {
    my ($name, $why) = @$_;
    my $before = read_file("$dir/$name");
    policy_sends("file $dir/$name, command $fails");
    ($exit, $out, $err) = send_now();
    is($exit, 1, "$name: exit 1, whatever else fails");
    like($err, qr/^dossier: file \Q$dir\E\/$name: \Q$why\E$/m, '... and why');
    is(read_file("$dir/$name"), $before, '... the file is left as it is');
}

for my $noise ("\0" x 100, "x\ty\n", "99999999999999999999\t1\t1\tfile $dir/kept\t\n", "1\t2\t3\tfile $dir/kept\n", 'x' x 100_000) {
    write_file("$trial->{store}/log/sent", $noise);
    policy_sends("file $dir/kept");
    is((send_now())[0], 0, 'a note that is nonsense hinders nothing');
}
unlink "$trial->{store}/log/sent";
symlink '/etc/passwd', "$trial->{store}/log/sent";
is((send_now())[0], 0, 'nor does a link in its place');
ok(!-l "$trial->{store}/log/sent", '... which is replaced, and not followed');

# A journal of our own, in a mount namespace where nobody else sees it.
make_path("$dir/run/systemd/journal");
my $journal = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/run/systemd/journal/socket") or die "socket: $!";
policy_sends('journal');
my @inside = ('unshare', '-m', '--propagation', 'private', 'sh', '-c', 'mount --bind "$1" /run && shift && exec "$@"', 'sh', "$dir/run");
my @send = ($trial->bin('dossier'), '-s', $trial->{store}, '-p', $trial->{policy}, 'log', 'send');
($exit, $out, $err) = run({env => $trial->{env}}, @inside, @send);
is($exit, 0, 'the journal takes it') or diag($err);
$journal->recv(my $entry, 65536);
like($entry, qr/SYSLOG_IDENTIFIER=dossierfs-checkpoint\n/, 'under its name');
my ($length) = $entry =~ /(?:^|\n)MESSAGE\n(.{8})/s;
my $message = substr $entry, index($entry, "MESSAGE\n") + 16, unpack 'Q<', $length // "\0" x 8;
$message .= "\n" unless $message =~ /\n\z/;
write_file("$dir/journal", $message);
is((run({}, $trial->bin('dossier'), '-s', $trial->{store}, 'log', 'verify', '--since', "$dir/journal"))[0], 0, 'what is in the journal, whole, is a checkpoint');
close $journal;
($exit, $out, $err) = run({env => $trial->{env}}, @inside, @send);
is($exit, 2, 'without a journal: exit 2');
like($err, qr/^dossier: journal: no journal listens/m, '... and it is said');

# The unit does what it says, with the names filled in.
my $unit = read_file('examples/dossierfs-checkpoint@.service');
my ($words) = $unit =~ /^ExecStart=\S+(.*)$/m;
make_path("$dir/etc");
write_file("$dir/etc/proef.ini", read_file($trial->{policy}) =~ s/send = journal/send = file $dir\/by-unit/r =~ s/\[mount\]/[mount]\nstore = $trial->{store}/r);
my @unit = map { s/%i/proef/r } split ' ', $words;
($exit, $out, $err) = run({}, 'unshare', '-m', '--propagation', 'private', 'sh', '-c',
    'mkdir -p /etc/dossierfs && mount --bind "$1" /etc/dossierfs && shift && exec "$@"', 'sh', "$dir/etc",
    'setpriv', '--reuid', OWNER, '--regid', OWNER, '--clear-groups', $trial->bin('dossier'), @unit);
isnt($exit, 0, 'the owner alone can\'t write where root owns the place');
mkdir "$dir/place" and chown OWNER, OWNER, "$dir/place";
write_file("$dir/etc/proef.ini", read_file("$dir/etc/proef.ini") =~ s/by-unit/place\/by-unit/r);
($exit, $out, $err) = run({}, 'unshare', '-m', '--propagation', 'private', 'sh', '-c',
    'mount --bind "$1" /etc/dossierfs && shift && exec "$@"', 'sh', "$dir/etc",
    'setpriv', '--reuid', OWNER, '--regid', OWNER, '--clear-groups', $trial->bin('dossier'), @unit);
is($exit, 0, 'what the example of a unit runs works for the store\'s owner') or diag($err);
ok(-s "$dir/place/by-unit", '... and keeps a checkpoint');
rmdir '/etc/dossierfs';

# An administrator puts the whole store back to an earlier day.
is($trial->stop, 0, 'ends');
system('cp', '-a', $trial->{store}, "$dir/yesterday") == 0 or die 'cp';
ok($trial->start, 'mounts again');
slurp_as(INCASSO, "$trial->{mnt}/huur-innen/2020-0000$_/huur.txt") for 1 .. 3;
is($trial->stop, 0, 'ends');
policy_sends("file $dir/kept");
is((send_now())[0], 0, 'a checkpoint is sent');
system('rm', '-rf', $trial->{store}) == 0 && rename("$dir/yesterday", $trial->{store}) or die 'put back';
($exit, $out, $err) = send_now();
is($exit, 1, 'the next one after that is not taken: exit 1');
is((run({}, $trial->bin('dossier'), '-s', $trial->{store}, 'log', 'verify', '--since', "$dir/kept"))[0], 3, '... and verify says that the log is shorter');
done_testing;
