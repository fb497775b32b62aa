#!/usr/bin/perl
# Goal: the log has a term of its own: what is past it is in no answer from that second on, then destroyed by the daemon itself, and
# anybody can see without a key under which rule; after a leap of the clock or a shortened term nothing is destroyed before a
# second person says so.
use strict;
use warnings;
use lib 'tests/mount/lib';
use JSON::PP;
use Test::More;
use Trial;

Trial::needs('faketime');
my $without = Trial::small_policy() =~ s/^commands = log\.\*$/commands = log.*, log.expire/mr;
sub with_term { return "$without\n[log]\nretention = $_[0]\n" }
my $trial = Trial->new(policy => $without);
my $mnt = $trial->{mnt};
my $name = "$mnt/huur-innen/2020-00001/achternaam.txt";

sub officer { return $trial->dossier({uid => FUNCTIONARIS}, 'log', @_) }
sub shown { my ($status, $out) = officer('show', '--json', '--purpose', 'huur-innen', @_); return scalar grep { /achternaam/ } split /\n/, $out }
sub expire { my ($status, $out, $err) = officer('expire', '--json', @_); return join ' ', $status, map { my $m = decode_json($_); "$m->{month} $m->{state}" } split /\n/, $out }
sub verify { return run({env => $trial->{env}}, $trial->bin('dossier'), '--store', $trial->{store}, 'log', 'verify', @_) }
sub restart { is($trial->stop, 0, 'ends'); $trial->at_time($_[0]); ok($trial->start, "starts at $_[0]") or BAIL_OUT($trial->said) }

# How often the index holds a time of that day: SQLite keeps milliseconds as six bytes, the high ones first.
sub in_index {
    my ($second) = @_;
    my $bytes = join '', map { -e $_ ? read_file($_) : '' } map { "$trial->{store}/log/$_" } 'index.db', 'index.db-wal';
    my $high = substr pack('Q>', $second * 1000), 2, 4; # some 65 seconds
    return scalar(() = $bytes =~ /\Q$high\E/g);
}

$trial->at_time('2026-11-29 12:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
slurp_as(INCASSO, $name) for 1 .. 5;
is(shown(), 5, 'entries of November are there');
my (undef, $checkpoint) = $trial->dossier({}, 'log', 'checkpoint');
ok(until_true(5, sub { (undef, $checkpoint) = $trial->dossier({}, 'log', 'checkpoint'); $checkpoint =~ /^\d+$/m }), 'a checkpoint is kept');
write_file("$trial->{dir}/kept", $checkpoint);
restart('2026-12-31 12:00:00');
cmp_ok(in_index(1795950000), '>', 0, 'the index has their times');
is(expire(), '0', 'without a rule nothing is past its term');

write_file($trial->{policy}, with_term('1m'));
ok(until_true(5, sub { (officer('expire', '--dry-run'))[2] =~ /no month/ }), 'the policy has a term');
slurp_as(INCASSO, $name) for 1 .. 3;
is(shown(), 8, 'the day before: all are there');
$trial->at_time('2027-01-01 00:59:59'); # months are those of UTC
is(shown(), 8, 'the second before: all are there');
$trial->at_time('2027-01-01 01:00:00');
is(shown(), 3, 'at the second November is in no answer');
my (undef, undef, $said) = officer('show');
like($said, qr/left out: 2026-11(?:, entries 1 to \d+ \(\d+ of them\))?, under \[log\] retention = 1m, line \d+ of policy [0-9a-f]{16}(?:: past the term, hidden|, on 2027-01-01: erased)/, 'and that is said');
restart('2027-01-01 13:00:00');
ok(until_true(10, sub { $trial->said =~ /month 2026-11 is erased under the log's term of 1 month:/ }), 'the daemon erases it by itself') or diag($trial->said);
is(expire('--dry-run'), '0', 'nothing is left to do');
is(shown(), 3, 'what is younger is there');
for my $ask (['show'], ['show', '--user', 'root'], ['who-saw', '2020-00001'], ['did', '61001'], ['show', '--csv'], ['show', '--from', '2026-11-01', '--to', '2026-11-30'],
        ['breach', '--user', '61001', '--from', '2026-11-01', '--to', '2027-01-01'], ['unusual', '--from', '2026-11-01'], ['export', '--format', 'csv']) {
    my ($status, $out, $err) = officer(@$ask);
    is($status, 0, "log @$ask: no error");
    like($err, qr/left out: 2026-11, entries 1 to \d+ \(\d+ of them\), under \[log\] retention = 1m, line \d+ of policy [0-9a-f]{16}, on 2027-01-01: erased/, '... and says what is left out');
}
my (undef, $page) = officer('report', '--from', '2026-11-01', '--to', '2027-01-01');
like($page, qr/Past their term, not counted.{0,80}\b1[0-9]\b/s, 'log report counts what it does not have');
my (undef, undef, $nothing) = officer('show', '--from', '2026-12-02');
unlike($nothing, qr/left out/, 'a question about later says nothing of it');
is(scalar(grep { /"what":\s*"erase"/ } $trial->log_lines('--what', 'erase')), 1, 'the erasure is an entry');
is($trial->stop, 0, 'ends');
is(in_index(1795950000), 0, 'not a time of theirs is left in the index');
my ($status, $out) = verify('--since', "$trial->{dir}/kept");
is($status, 0, 'verify: intact, and it is the log of the checkpoint from before') or diag($out);
like($out, qr/^erased +2026-11, entries 1 to \d+ \(\d+ of them\), under \[log\] retention = 1m, line \d+ of policy [0-9a-f]{16}, on 2027-01-01$/m, '... with the rule');
is(decode_json((verify('--json'))[1])->{erased}[0]{finished}, JSON::PP::true, '... for machines too');

# A clock that leaps by months: hidden, but not destroyed.
$trial->at_time('2027-06-01 12:00:00');
ok($trial->start, 'mounts again') or BAIL_OUT($trial->said);
ok(until_true(10, sub { $trial->said =~ /hidden, but not erased, since the clock went ahead/ }), 'it says that it waits') or diag($trial->said);
is(shown(), 0, 'December and January are hidden');
is(expire(), '0 2026-12 waits 2027-01 waits', 'and wait');
is((verify())[0], 5, 'verify is content');
is(($trial->dossier({uid => INCASSO}, 'log', 'expire', '--confirm'))[0], 1, 'who has no right to confirms nothing');
restart('2027-01-02 12:00:00');
is(shown(), 3, 'the clock is right again: nothing was lost');

# A shorter term, by the officer himself.
write_file($trial->{policy}, with_term('6m'));
ok(until_true(5, sub { $trial->said =~ /policy|force/i; (officer('expire', '--dry-run'))[2] =~ /no month/ }), 'a longer term');
restart('2027-01-02 13:00:00');
slurp_as(INCASSO, $name);
restart('2027-02-01 13:00:00');
is(shown(), 4, 'which keeps December');
chown FUNCTIONARIS, -1, $trial->{policy};
write_file($trial->{policy}, with_term('1m') . "; of another length: times of files stand still here\n");
ok(until_true(5, sub { shown() == 1 }), 'a shorter one hides it at once') or diag($trial->said);
like(expire(), qr/^0 2026-12 waits$/, 'and it waits');
my ($refused, undef, $why) = officer('expire', '--confirm');
is($refused, 1, 'whose file it is confirms nothing');
like($why, qr/its file is yours \(uid 61004\): somebody else has to confirm/, '... and is told why');
chown 0, -1, $trial->{policy};
restart('2027-02-01 14:00:00');
is(expire('--confirm'), '0 2026-12 erased', 'another person confirms');
my @confirmed = map { "$_->{uid} $_->{outcome} $_->{rule}" } grep { ($_->{name} // '') eq 'log.expire --confirm' } $trial->log_entries('--what', 'command');
is_deeply(\@confirmed, ['61004 refused second-person', '61004 done '], 'who confirmed, and who was not let, is in the log');
is($trial->stop, 0, 'ends with 0');
($status, $out) = verify('--since', "$trial->{dir}/kept");
is($status, 0, 'verify: intact');
like($out, qr/^erased +2026-12, /m, '... with both months');
done_testing;
