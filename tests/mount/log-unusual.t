#!/usr/bin/perl
# Goal: what stands out is told with its reason: many dossiers or refusals within an hour, odd hours, a purpose that is new to
# somebody; what is usual is not, and limits are the officer's.
use strict;
use warnings;
use lib 'tests/mount/lib';
use JSON::PP;
use Test::More;
use Trial;

Trial::needs('faketime');
my $trial = Trial->new;
my $mnt = $trial->{mnt};
$trial->at_time('2027-01-04 10:00:00'); # a Monday
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);

sub unusual {
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'unusual', '--json', @_);
    is($status, 0, "unusual @_: exit 0") or diag($err);
    return map { my $f = decode_json($_); "$f->{rule} $f->{uid} $f->{count} " . substr($f->{time}, 0, 13) } split /\n/, $out;
}

slurp_as(INCASSO, "$mnt/huur-innen/2020-0000$_/achternaam.txt") for 1, 1, 2, 3;
is_deeply([unusual()], [], 'a few dossiers on a working day: nothing');
is_deeply([unusual('--bulk', 2)], ['bulk 61001 3 2027-01-04T10'], 'three within an hour, where two are the limit');
is_deeply([unusual('--bulk', 3)], [], 'and not where three are');
is_deeply([unusual('--hours', '11-19')], ['hours 61001 4 2027-01-04T10'], 'before work begins');
$trial->at_time('2027-01-09 14:00:00'); # a Saturday
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/achternaam.txt");
$trial->at_time('2027-01-11 10:00:00');
is_deeply([unusual()], ['hours 61002 1 2027-01-09T14'], 'on a Saturday');
for (1 .. 4) { slurp_as(STRANGER, "$mnt/huur-innen/2020-0000$_/huur.txt") }
$trial->at_time('2027-01-11 11:30:00');
my ($refused) = unusual('--refusals', 3, '--from', 'today');
like($refused, qr/^refusals 61999 [4-9] 2027-01-11T10$/, 'many refusals');
is_deeply([unusual('--from', 'today')], [], '... which are few for the usual limit');
slurp_as(INCASSO, "$mnt/communicatie/2020-00001/achternaam.txt");
is_deeply([unusual('--from', 'today')], ['new-purpose 61001 1 2027-01-11T11'], 'a purpose that is new to somebody');
slurp_as(INCASSO, "$mnt/communicatie/2020-00002/achternaam.txt");
is_deeply([unusual('--from', 'today')], ['new-purpose 61001 1 2027-01-11T11'], '... once');
is_deeply([unusual('--from', '2027-01-12')], [], '... and not in another period');
# Somebody who opens one dossier a day, and then, one day, all that there are.
for my $day (12 .. 16) {
    $trial->at_time("2027-01-$day 10:00:00");
    slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/achternaam.txt");
}
$trial->import_csv("code,achternaam,einddatum\n" . join '', map { sprintf "2021-%05d,Proef,\n", $_ } 1 .. 12);
$trial->at_time('2027-01-18 10:00:00');
ok(until_true(5, sub { slurp_as(KLANTCONTACT, "$mnt/communicatie/2021-00012/achternaam.txt") eq "Proef\n" }), 'more dossiers are there');
slurp_as(KLANTCONTACT, sprintf "$mnt/communicatie/2021-%05d/achternaam.txt", $_) for 1 .. 9;
is_deeply([unusual('--from', '2027-01-18')], [], 'ten in a day are few, whatever one is used to');
$trial->at_time('2027-01-18 15:00:00');
slurp_as(KLANTCONTACT, "$mnt/communicatie/2021-000$_/achternaam.txt") for 10, 11;
is_deeply([unusual('--from', '2027-01-18')], ['habit 61002 12 2027-01-18T00'], 'twelve in two stretches are more than three times one a day');
is_deeply([unusual('--from', '2027-01-18', '--times', 12)], [], '... and not more than twelve times');
write_file($trial->{policy}, read_file($trial->{policy}) . "[log]\nunusual-times = 12\nunusual-dossiers = 9\nworking-hours = 11-15\n");
ok(until_true(5, sub { join(' ', unusual('--from', '2027-01-18')) =~ /bulk/ }), 'what is usual is in the policy');
is_deeply([unusual('--from', '2027-01-18')], ['bulk 61002 10 2027-01-18T10', 'hours 61002 12 2027-01-18T10'], '... each of its limits');
my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'unusual', '--bulk', 1, '--from', '2027-01-11');
like($out, qr/^TIME +USER +UID +RULE +WHY$/m, 'for people: a table');
like($out, qr/communicatie for the first time in 90 days/, 'with the reason');
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'unusual', @$_))[0], 2, "@$_: exit 2")
    for ['--hours', '9'], ['--hours', '19-7'], ['--hours', '0-25'], ['--bulk', '0'], ['--refusals', 'x'];
($status, $out, $err) = $trial->dossier({uid => INCASSO}, 'log', 'unusual');
is("$status $out", '1 ', 'it is not for everybody');
is($trial->stop, 0, 'ends with 0');
done_testing;
