#!/usr/bin/perl
# slow
# Goal: whatever a client got has its entry, made before; looks are noted once a minute, refusals counted, and only who may read
# the log reads it.
use strict;
use warnings;
use lib 'tests/mount/lib';
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);
use Trial;

Trial::needs('probe', 'faketime');
my $trial = Trial->new(programs => ['probe']);
my $mnt = $trial->{mnt};
$trial->at_time('2026-11-22 10:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);

my $seen = 0;
# Entries since the last call, as short texts of some members; without commands, which are those of the asking itself.
sub since {
    my (@members) = @_;
    my @entries = grep { $_->{number} > $seen } $trial->log_entries;
    $seen = $entries[-1]{number} if @entries;
    return [map { my $e = $_; join ' ', map { $e->{$_} // '?' } @members } grep { $_->{what} !~ /command|query/ } @entries];
}
my @usual = qw(what uid purpose ground subject name outcome role fields count);

my $first = since(qw(what name outcome));
is_deeply([grep { /^(?:mount|policy)/ } @$first], ['mount start done', 'policy in force done'], 'the start is an entry');
ok((grep { /^import / } @$first), 'the import is an entry');
is(scalar(grep { /^change / } @$first), 3, 'and each dossier that it made');

# ---- what is shown ---------------------------------------------------------------------------------------------------

slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt");
is_deeply(since(@usual), ['look 61001 huur-innen A 2020-00001  shown incasso  1',
        'field 61001 huur-innen A 2020-00001 huur shown incasso huur 1'], 'a look on the way, and an open');
slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt") for 1 .. 3;
is_deeply(since(qw(what name)), [('field huur') x 3], 'each open has its entry; looks one a minute');
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/geboortedatum.txt");
is_deeply([grep { !/^look/ } @{since(@usual)}],
    ['field 61002 communicatie A 2020-00001 geboortedatum masked klantcontact ~geboortedatum 1'], 'a masked one');
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/dossier.txt");
is_deeply(since(qw(what subject name outcome fields)),
    ['dossier 2020-00001 dossier.txt shown achternaam,telefoon,~geboortedatum,~rekeningnummer'],
    'the whole dossier: which fields, and which were masked');
names_as(INCASSO, "$mnt/huur-innen/2020-00003");
names_as(INCASSO, "$mnt/huur-innen");
names_as(INCASSO, $mnt);
is_deeply([grep { !/^look/ } @{since(qw(what uid purpose subject name outcome fields))}],
    ['listing 61001 huur-innen 2020-00003  shown achternaam,geboortedatum,huur', 'listing 61001 huur-innen  huur-innen shown ',
        'listing 61001   / shown '], 'listings');
slurp_as(STRANGER, "$mnt/mijn-toegang.txt");
is_deeply(since(qw(what uid name outcome)), ['own 61999 mijn-toegang.txt shown'], 'the own page');
my ($entry) = grep { $_->{what} eq 'own' } $trial->log_entries;
is($entry->{time}, '2026-11-22T10:00:00.000+01:00', 'the time of an entry is that of the clock');
like("$entry->{trace} $entry->{span} $entry->{policy}", qr/^[0-9a-f]{32} [0-9a-f]{16} [0-9a-f]{16}$/, 'trace, span, policy');

# ---- looks -----------------------------------------------------------------------------------------------------------

my $probe = $trial->probe(INCASSO);
$probe->ask("attr $mnt/huur-innen/2020-00002/$_") for map { ('huur.txt', 'achternaam.txt', 'dossier.txt') } 1 .. 10;
is_deeply(since(qw(what uid purpose subject outcome)), ['look 61001 huur-innen 2020-00002 shown'],
    'a dossier looked at thirty times in a minute is one entry');
$trial->at_time('2026-11-22 10:01:00');
$probe->ask("attr $mnt/huur-innen/2020-00002/huur.txt");
is_deeply(since(qw(what uid purpose subject outcome)), ['look 61001 huur-innen 2020-00002 shown'], 'and in the next minute another');

# ---- refusals --------------------------------------------------------------------------------------------------------------

my $stranger = $trial->probe(STRANGER);
$stranger->ask("attr $mnt/huur-innen/2020-00002") for 1 .. 7;
my $refused = since(qw(what uid purpose subject outcome rule role count));
is(scalar(@$refused), 1, 'seven equal refusals: one entry at once');
like($refused->[0], qr/^look 61999 huur-innen 2020-00002 gap no-account  1$/, 'who, what and why');
$stranger->ask("attr $mnt/huur-innen/2020-09999") for 1 .. 7;
my @absent = grep { $_->{number} > $seen && $_->{what} eq 'look' } $trial->log_entries;
is(scalar(@absent), 1, 'of a dossier that is not there: one as well');
is("$absent[0]{subject}/$absent[0]{outcome}/$absent[0]{rule}", '/gap/no-account', 'of the same form');
like($absent[0]{subject_number}, qr/^[0-9a-f]{16}$/, 'with a number that looks like any other');
is(scalar(grep { $_->{subject_number} eq $absent[0]{subject_number} } $trial->log_entries('--subject', '2020-09999')), 1,
    'which is found by the code that was tried');
since('what');
$trial->at_time('2026-11-22 10:02:00');
ok(until_true(5, sub { 2 == grep { $_->{rule} eq 'repeated' && $_->{uid} == 61999 } $trial->log_entries }),
    'when the minute is over, the others are counted');
# The kernel asks twice where somebody else's look had left it an entry.
my %counted = map { $_->{subject} => $_ } grep { $_->{rule} eq 'repeated' && $_->{uid} == 61999 } $trial->log_entries;
like(join(' ', map { "$_->{count} $_->{outcome} $_->{purpose}" } @counted{'2020-00002', ''}),
    qr/^[67] gap huur-innen 6 gap huur-innen$/, 'six each, about the same subjects');
is($counted{''}{subject_number}, $absent[0]{subject_number}, 'also about the one that is not there');
since('what');

$probe->ask("attr $mnt/huur-innen/2020-00002/$_") for 'desktop.ini', '.hidden', 'x' x 100, 'huur', 'huur.pdf';
$probe->ask("attr $mnt/huur-innen/$_") for 'desktop.ini', '2020-1', 'x';
$probe->ask("attr $mnt/$_") for 'desktop.ini', 'x';
is_deeply([grep { !/^look.*shown$/ } @{since(qw(what name outcome))}], [], 'names that mean nothing to the policy leave nothing');
$probe->ask("attr $mnt/huur-innen/2020-00002/telefoon.txt");
is_deeply(since(qw(what uid purpose subject name outcome)), ['look 61001 huur-innen 2020-00002 telefoon refused'],
    'a field outside the purpose');
$probe->ask("attr $mnt/huur-innen/2020-00002/einddatum.txt");
is_deeply(since(qw(what subject name outcome)), ['look 2020-00002 einddatum refused'], 'an empty field');
$probe->ask("attr $mnt/huur-innen/2020-00002/betaling");
is_deeply(since(qw(what subject name outcome)), ['look 2020-00002 betaling refused'], 'the name of a category');
names_as(KLANTCONTACT, "$mnt/onderhoud");
is_deeply([grep { /refused/ } @{since(qw(what uid purpose name outcome))}],
    ['listing 61002 onderhoud onderhoud refused'], 'a listing that was refused');

# A thousand codes tried: bounded.
my $before = $trial->log_entries;
$stranger->ask(sprintf "attr $mnt/huur-innen/2021-%05d", $_) for 1 .. 2000;
my @guesses = grep { $_->{number} > $seen && $_->{uid} == 61999 } $trial->log_entries;
cmp_ok(scalar(@guesses), '<', 1000, 'two thousand guesses: ' . @guesses . ' entries');
cmp_ok(scalar(@guesses), '>', 20, 'but they are seen');
since('what');
$trial->at_time('2026-11-22 10:03:00');
my $beyond = 0;
until_true(5, sub { ($beyond) = map { $_->{count} } grep { $_->{uid} == STRANGER && $_->{count} > 100 } $trial->log_entries; $beyond });
is(@guesses + ($beyond // 0), 2000, 'and the rest is counted');

# ---- many clients: an entry for every open, made before it was answered --------------------------------------------------------

since('what');
my @clients;
for my $uid (INCASSO, KLANTCONTACT, INCASSO, KLANTCONTACT) {
    pipe my $from, my $to or die;
    my $pid = fork // die;
    if ($pid == 0) {
        Trial::become($uid);
        my $opened = 0;
        for (1 .. 300) {
            open my $file, '<', "$mnt/communicatie/2020-0000" . (1 + $_ % 3) . '/achternaam.txt' or next;
            $opened++ if length(<$file> // '');
        }
        syswrite $to, "$opened";
        POSIX::_exit(0);
    }
    close $to;
    push @clients, [$uid, $pid, $from];
}
my %got = map { my $from = $_->[2]; ("$_->[0]/$_->[1]" => do { local $/; <$from> }) } @clients;
waitpid $_->[1], 0 for @clients;
my %entries;
$entries{"$_->{uid}/$_->{pid}"}++ for grep { $_->{number} > $seen && $_->{what} eq 'field' } $trial->log_entries;
is_deeply(\%entries, \%got, 'four clients at once: as many entries as opens, for each');
is(join(' ', values %got), '300 300 300 300', 'and none failed');

# ---- who reads the log -------------------------------------------------------------------------------------------------------------

for my $uid (INCASSO, STRANGER, BEHEER) {
    my ($status, $out, $err) = $trial->dossier({uid => $uid}, 'log', 'show', '--json');
    is("$status $out", '1 ', "$uid has no right to the log");
    like($err, qr/log\.show/, 'and is told which right');
}
my ($status, $out, $err) = run({}, $trial->bin('dossier'), '-p', $trial->{policy}, '--control', $trial->{control}, 'log', 'show');
is("$status $out", '1 ', 'nor has root, while it is mounted');
my @commands = grep { $_->{what} eq 'command' && $_->{outcome} ne 'done' } $trial->log_entries;
is_deeply([map { "$_->{uid} $_->{outcome} $_->{name}" } @commands],
    ['61001 refused log.show', '61999 gap log.show', '61005 refused log.show', '0 refused log.show'],
    'that they tried is in it');
is(scalar(grep { $_->{uid} != 61002 } $trial->log_entries('--user', 61002)), 0, 'filter: user');
is(scalar(grep { $_->{outcome} ne 'masked' } $trial->log_entries('--outcome', 'masked')), 0, 'filter: outcome');
is(scalar(grep { $_->{purpose} ne 'communicatie' } $trial->log_entries('--purpose', 'communicatie')), 0, 'filter: purpose');
my @of_one = $trial->log_entries('--subject', '2020-00003');
ok(@of_one > 100 && !grep({ $_->{subject} ne '2020-00003' } @of_one), 'filter: subject');
is(scalar($trial->log_entries('--from', '2026-11-22 10:01:00', '--to', '2026-11-22 10:02:00')),
    scalar(grep { $_->{time} =~ /T10:01/ } $trial->log_entries), 'filter: time');

# ---- who saw a dossier, what did somebody do ---------------------------------------------------------------------------------------

sub asked { return map { decode_json($_) } split /\n/, ($trial->dossier({uid => FUNCTIONARIS}, 'log', @_, '--json'))[1] }

my (%truth, %told);
$truth{"$_->{uid} $_->{purpose}"} += $_->{count} for grep { $_->{outcome} =~ /^(?:shown|masked)$/ } @of_one;
$told{"$_->{uid} $_->{purpose}"} += $_->{times} for asked('who-saw', '2020-00003');
is_deeply(\%told, \%truth, 'who-saw: every time that something was shown, and no other');
my ($incasso) = grep { $_->{uid} == INCASSO && $_->{purpose} eq 'communicatie' } asked('who-saw', '2020-00003');
like("$incasso->{times} @{$incasso->{fields}}", qr{^20[01] \(look\) achternaam$}, 'two clients, a hundred opens each, with the field');
my $number = $of_one[0]{subject_number};
my @by_number = asked('who-saw', "~$number");
is(scalar(@by_number), scalar(keys %told), 'by the number alone, as after an erasure');
($status, $out) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'who-saw', '2020-00003');
like($out, qr/^USER +UID +ROLE +PURPOSE +FIELDS +FIRST +LAST +TIMES$/m, 'for people: a table');
($status, $out) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'who-saw', '2020-00003', '--csv');
like($out, qr/^user,uid,role,purpose,fields,first,last,times\r\n(?:"[^"]*",){5}2026-11-22T/m, 'for programs: CSV');
%truth = %told = ();
$truth{"$_->{what} $_->{outcome} $_->{purpose}"} += $_->{count} for $trial->log_entries('--user', INCASSO);
my @did = asked('did', INCASSO);
$told{"$_->{what} $_->{outcome} $_->{purpose}"} += $_->{times} for @did;
is_deeply(\%told, \%truth, 'did: all that a person did, counted');
is((grep { $_->{what} eq 'field' && $_->{purpose} eq 'communicatie' && $_->{outcome} eq 'shown' } @did)[0]{dossiers}, 3,
    'and in how many dossiers');
# A program that reads one file again and again within a minute: an entry each time, and one line of who saw it.
my $fold = sub { return (scalar($trial->log_entries('--subject', '2020-00002', '--user', KLANTCONTACT)), map { $_->{times} } grep { $_->{uid} == KLANTCONTACT } asked(@_)) };
my ($had, $had_seen) = $fold->('who-saw', '2020-00002');
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00002/achternaam.txt") for 1 .. 7;
my ($has, @seen) = $fold->('who-saw', '2020-00002');
cmp_ok($has - $had, '>=', 7, 'read seven times within a minute: seven entries');
is(scalar(@seen), 1, '... and one line of who saw it');
is($seen[0] - ($had_seen // 0), $has - $had, '... with all of them');
for my $question (['who-saw', '2020-00003'], ['did', INCASSO]) {
    ($status, $out, $err) = $trial->dossier({uid => INCASSO}, 'log', @$question);
    is("$status $out", '1 ', "$question->[0] is not for everybody");
    like($err, qr/log\.$question->[0]/, 'and is told which right');
}

($status, $out) = run({}, $trial->bin('dossier'), '-s', $trial->{store}, 'log', 'verify');
is($status, 5, 'the log verifies while it is written');
$_->end for $probe, $stranger;
is($trial->stop, 0, 'ends with 0');
is($trial->verify, 5, 'and afterwards');
my @all = $trial->log_entries;
is_deeply([map { $_->{number} } @all], [1 .. @all], 'no number is missing');
is((grep { $_->{what} eq 'mount' } @all)[-1]{name}, 'stop', 'the end is an entry');
is($trial->said, '', 'the daemon had nothing to complain of');
done_testing;
