#!/usr/bin/perl
# Goal: the report of a period is one well-formed page that fetches nothing, with the counts that the log has, a picture that has its text,
# and no name of a person or of a dossier; what a program calls itself can't become markup.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('faketime');
my $trial = Trial->new;
my $mnt = $trial->{mnt};
$trial->at_time('2027-01-04 10:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
slurp_as(INCASSO, "$mnt/huur-innen/2020-0000$_/achternaam.txt") for 1, 1, 2, 3;
slurp_as(STRANGER, "$mnt/huur-innen/2020-00001/huur.txt");
{
    local $0 = '<b>&"x';
    open my $comm, '>', '/proc/self/comm' or die $!;
    print $comm '<b>&"x';
    close $comm;
    $trial->at_time('2027-01-05 10:00:00');
    slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/achternaam.txt");
}

sub report {
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'report', @_);
    is($status, 0, "report @_: exit 0") or diag($err);
    return $out;
}
my $page = report('--from', '2027-01-01', '--to', '2027-01-05');
like($page, qr{<h1[^>]*>Processing log, 2027-01-01 to 2027-01-05</h1>}, 'it says which period');
my @entries = $trial->log_entries('--from', '2027-01-01', '--to', '2027-01-05');
my ($shown, $refused) = (0, 0);
for (@entries) {
    $shown += $_->{count} if $_->{what} =~ /^(?:field|dossier|listing)$/ && $_->{outcome} =~ /^(?:shown|masked)$/;
    $refused += $_->{count} if $_->{outcome} =~ /^(?:refused|gap)$/;
}
like($page, qr/ entries: $shown times something was opened, $refused times something was refused,/, 'the counts are those of the log');
my ($days) = $page =~ m{Day by day(.*?)</table>}s;
is(join(' ', $days =~ /(2027-01-0\d)<\/th>/g), '2027-01-04 2027-01-05', 'the days on which there was something');
is(scalar(() = $days =~ /<rect /g), 2, 'and a bar for each');
like($days, qr{<svg role="img"[^>]*><title>Opened per day, from 2027-01-01 to 2027-01-05; at most \d+ on one day</title>}, 'with its text');
like($page, qr{huur-innen</th>}, 'by purpose');
like($page, qr{no-account</th>}, 'and why it was refused');
like($page, qr{&lt;b&gt;&amp;&quot;x|&lt;b&gt;&amp;&#34;x}, 'what a program calls itself is text');
unlike($page, qr/6100\d|2020-0000|Noordstam|<script|<b>&|(?:src|href)="(?!#)/, 'no person, no dossier, nothing that is fetched');
SKIP: {
    skip 'xmllint is not installed', 1 if system('command -v xmllint >/dev/null 2>&1');
    my $file = Trial::write_file("$trial->{dir}/page.xml", $page);
    is(`xmllint --noout $file 2>&1`, '', 'well-formed to xmllint too');
}
my $file = "$trial->{dir}/report.html";
chmod 0777, $trial->{dir};
report('--from', '2027-01-01', '--to', '2027-01-05', '--output', $file);
like(Trial::read_file($file), qr{^<!DOCTYPE html>.*</html>\s*\z}s, 'whole, in a file');
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'report', '--output', $file))[0], 2, '... which is not overwritten');
like(report('--from', '2026-06-01', '--to', '2026-06-02'), qr/ entries: 0 times/, 'a period without anything is a page too');
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'report', '--from', '2020-01-01'))[0], 2, 'too long: exit 2');
my ($status, $out) = $trial->dossier({uid => INCASSO}, 'log', 'report');
is("$status $out", '1 ', 'it is not for everybody');
is($trial->stop, 0, 'ends with 0');
done_testing;
