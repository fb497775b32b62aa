#!/usr/bin/perl
# Goal: who a uid is comes from the system's accounts and groups, by name, and from nothing the process says of itself; a uid
# without an account is a number; a directory that does not answer makes a gap, and keeps nobody else waiting.
use strict;
use warnings;
use lib 'tests/mount/lib';
use POSIX qw(mkfifo);
use Test::More;
use Time::HiRes qw(sleep);
use Trial;

Trial::needs();
my ($wrapper) = grep { -e } glob('/usr/lib/*/libnss_wrapper.so'), '/usr/lib64/libnss_wrapper.so';
plan skip_all => 'libnss_wrapper is not installed' unless $wrapper;

# Anna by her account, Bram and Cor by a group (one named in it, one whose first group it is), a number, Dirk who is nobody's,
# Erik who is a member and not bound to secrecy, and one whose account is called like another's number.
my %uid = (anna => 62001, bram => 62002, cor => 62003, dirk => 62004, erik => 62005, 61001 => 62006);
my $policy = Trial::small_policy();
$policy =~ s/^members  = 61001$/members  = anna, \@verhuur, erik, 61001/m or die;
$policy =~ s/^bound  = 61001 2020-01-01,/bound  = 61001 2020-01-01, anna 2020-01-01, bram 2020-01-01, cor 2020-01-01,/m or die;
my $trial = Trial->new(policy => $policy);
my $mnt = $trial->{mnt};
my $passwd = join '', "root:x:0:0:root:/root:/bin/sh\n",
    map { "$_:x:$uid{$_}:" . ($_ eq 'cor' ? 62100 : $uid{$_}) . ":$_:/:/bin/sh\n" } sort keys %uid;
Trial::write_file("$trial->{dir}/passwd", $passwd);
Trial::write_file("$trial->{dir}/group", "root:x:0:\nverhuur:x:62100:bram\nanders:x:62101:dirk,anna\n");
my %env = (LD_PRELOAD => $wrapper, NSS_WRAPPER_PASSWD => "$trial->{dir}/passwd", NSS_WRAPPER_GROUP => "$trial->{dir}/group");
ok($trial->start(env => \%env), 'mounts') or BAIL_OUT($trial->said);
my $file = "$mnt/huur-innen/2020-00001/huur.txt";

is(slurp_as($uid{anna}, $file), "612.50\n", 'a member by account');
is(slurp_as($uid{bram}, $file), "612.50\n", 'a member by a group that names the account');
is(slurp_as($uid{cor}, $file), "612.50\n", 'a member by the first group of the account');
is(slurp_as(61001, $file), "612.50\n", 'a member by number, without an account');
is(slurp_as($uid{dirk}, $file), 'ENOENT', 'an account that is in no role');
is(slurp_as($uid{erik}, $file), 'ENOENT', 'a member who is not bound to secrecy');
is(slurp_as($uid{61001}, $file), 'ENOENT', 'an account with the name of a number is not that number');
is(slurp_as(62999, $file), 'ENOENT', 'a uid that nobody has');
my ($unknown) = grep { $_->{uid} == 62999 } $trial->log_entries;
is("$unknown->{outcome} $unknown->{rule} $unknown->{subject}", 'gap no-account 2020-00001', 'is a gap in the log, and no denial');
my ($denied) = grep { $_->{uid} == $uid{dirk} } $trial->log_entries;
is("$denied->{outcome} $denied->{rule} $denied->{subject}", 'refused no-role 2020-00001', 'an account in no role is denied');
my $page = slurp_as(62999, "$mnt/mijn-toegang.txt");
like($page, qr/^Roles:   none: no account has this uid, and no role names it: nothing shows to you$/m, 'the own page says why');
like($page, qr{huur-innen/2020-00001: no account has this uid, and no role names it$}m, 'also of the refusal');
is(as_uid(0, sub {
    $) = "62100 62100 62101";
    $( = 62100;
    POSIX::setuid($uid{dirk});
    open my $f, '<', $file or return errno_of();
    'opened';
}), 'ENOENT', 'groups that the process has, and the account has not, count for nothing');
like(slurp_as($uid{bram}, "$mnt/mijn-toegang.txt"), qr/^You are: uid 62002, bram\nRoles:\s+Incasso$/m, 'the own page knows the name');
like(slurp_as($uid{erik}, "$mnt/mijn-toegang.txt"), qr/^Secrecy: no record/m, 'and why nothing shows');
my ($entry) = grep { $_->{what} eq 'field' && $_->{uid} == $uid{bram} } $trial->log_entries;
is("$entry->{user} $entry->{role}", 'bram incasso', 'the log has the name');
ok((grep { $_->{uid} == $uid{bram} } $trial->log_entries('--user', 'bram')), 'and finds by it');

# ---- a directory that does not answer --------------------------------------------------------------------------------------

is(slurp_as($uid{anna}, "$mnt/huur-innen/2020-00002/huur.txt"), "733.10\n", 'the kernel knows this path');
mkfifo("$trial->{dir}/fifo", 0644) or die "mkfifo: $!";
rename "$trial->{dir}/fifo", "$trial->{dir}/passwd" or die;
pipe my $from, my $to or die;
my $asker = fork // die;
if ($asker == 0) {
    my ($got, $took) = within(sub { slurp_as(62500, $file) });
    syswrite $to, "$got $took";
    POSIX::_exit(0);
}
close $to;
sleep 0.3;
# (A name that the kernel doesn't know yet may wait: older versions of libfuse make it look up one at a time in a directory.)
my ($got, $took) = within(sub { slurp_as($uid{anna}, "$mnt/huur-innen/2020-00002/huur.txt") });
is($got, "733.10\n", 'meanwhile, who is known goes on');
cmp_ok($took, '<', 1, 'without waiting');
($got, $took) = split ' ', do { local $/; <$from> };
waitpid $asker, 0;
is($got, 'EIO', 'who is not known in time gets an error, and no denial');
cmp_ok($took, '>', 1.5, 'after the time that NSS is given');
cmp_ok($took, '<', 6, 'and not much later');

# The directory answers again.
my $old = "$trial->{dir}/old";
Trial::write_file("$trial->{dir}/passwd.new", "$passwd" . "frans:x:62500:62100:frans:/:/bin/sh\n");
rename "$trial->{dir}/passwd", $old;
rename "$trial->{dir}/passwd.new", "$trial->{dir}/passwd";
if (sysopen my $writer, $old, Fcntl::O_WRONLY | Fcntl::O_NONBLOCK) {
    syswrite $writer, $passwd; # lets go of who waits for it
    close $writer;
}
ok(until_true(15, sub { slurp_as(62500, "$mnt/mijn-toegang.txt") =~ /uid 62500/ }), 'when it answers again, so does the mount');
my ($gap) = grep { $_->{uid} == 62500 } $trial->log_entries;
is("$gap->{outcome} $gap->{rule}", 'gap identity', 'and the log calls it a gap');
is($trial->stop, 0, 'ends with 0');

# ---- a process that the kernel can't name --------------------------------------------------------------------------------------

SKIP: {
    my @apart = ('unshare', '--pid', '--fork', '--kill-child');
    skip 'no pid namespace can be made here' if system(@apart, 'true') != 0;
    ok($trial->start(env => \%env, wrap => \@apart), 'the daemon in a pid namespace of its own') or BAIL_OUT($trial->said);
    my $keeper = $trial->{daemon};
    is(slurp_as($uid{anna}, $file), 'EIO', 'a process outside it is not known');
    is(names_as($uid{anna}, "$mnt/huur-innen"), 'EIO', 'for a listing neither');
    my ($status, $out) = run({}, 'nsenter', '--target', $keeper, '--pid', 'setpriv', '--reuid', $uid{anna}, '--clear-groups',
        '--regid', $uid{anna}, 'cat', $file);
    is($out, "612.50\n", 'one inside is');
    kill 'TERM', $keeper;
    is($trial->ended, 0, 'ends with 0');
    my @gaps = grep { $_->{uid} == $uid{anna} && $_->{outcome} eq 'gap' } $trial->log_entries;
    is($gaps[-1]{rule} // '', 'no-process', 'and the log calls it a gap');
    is((grep { $_->{outcome} eq 'refused' && $_->{uid} == $uid{anna} } $trial->log_entries) + 0, 0, 'and no denial');
}
done_testing;
