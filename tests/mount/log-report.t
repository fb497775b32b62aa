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
like($page, qr{<dt>Period</dt>\s*<dd>2027-01-01 to 2027-01-05</dd>}, 'it says which period');
my @entries = $trial->log_entries('--from', '2027-01-01', '--to', '2027-01-05');
my ($shown, $refused) = (0, 0);
for (@entries) {
    $shown += $_->{count} if $_->{what} =~ /^(?:field|dossier|listing)$/ && $_->{outcome} =~ /^(?:shown|masked)$/;
    $refused += $_->{count} if $_->{outcome} =~ /^(?:refused|gap)$/;
}
# What a term of the page says.
sub says {
    my ($page, $name) = @_;
    return $page =~ m{<dt>\Q$name\E</dt>\s*<dd>([^<]*)</dd>} ? $1 : "no $name";
}
is(says($page, 'Opened') . ' ' . says($page, 'Refused'), "$shown $refused", 'the counts are those of the log');
my ($asked) = grep { $entries[$_]{name} eq 'log.report' } 0 .. $#entries;
is(says($page, 'Entries in this period'), $asked + 1, '... and so many entries, its own question with them');
my ($days) = $page =~ m{Day by day(.*?)</table>}s;
is(join(' ', $days =~ /(2027-01-0\d)<\/th>/g), '2027-01-04 2027-01-05', 'the days on which there was something');
my @bars = map { scalar(() = /<rect /g) } $days =~ m{<svg(.*?)</svg>}gs;
is("@bars", '2 2', 'a bar for each with openings, and for each with refusals (of the second day: the first one counted again)');
like($days, qr{<svg role="img"[^>]*>\s*<title>Opened per day</title>\s*<desc>A bar for each day; the most on one day: \d+</desc>}, 'with its text');
like($days, qr{<span>2027-01-01</span><span>2027-01-05</span>}, 'and the days where they begin and end');
like($page, qr{<th scope="row" class="named">huur-innen<}, 'by purpose');
like($page, qr{<th scope="row" class="named">no-account<}, 'and why it was refused');
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
is(says(report('--from', '2026-06-01', '--to', '2026-06-02'), 'Opened'), '0', 'a period without anything is a page too');

# ---- the state of the log, and what stands out -----------------------------------------------------------------------------

like($page, qr{<h2>Is the log what it was\?</h2>\s*<p>It agrees with itself in every byte}, 'it says that the log was checked');
my ($verified, $in_words) = (run({}, $trial->bin('dossier'), '--store', $trial->{store}, 'log', 'verify', '--json'))[0, 1];
is($verified, 5, 'log verify, for comparison');
cmp_ok(says($page, 'Entries checked'), '>=', scalar(@entries), '... with how many entries');
like(says($page, 'Signed up to entry'), qr/^\d+ \(2027-01-0\d/, '... and up to where and since when it is signed');
my $key = (run({}, $trial->bin('dossier'), '--store', $trial->{store}, 'log', 'checkpoint', '--pubkey'))[1] =~ s/\n//r;
like(report('--pubkey', $key), qr{<p>Yes: nothing was changed since the anchor was taken}, '... and with a key from elsewhere it says yes');
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'report', '--pubkey', 'x'))[0], 2, '... and with what is no key: exit 2');
like($page, qr{<span lang="en">[^<]*anchor[^<]*</span>}, '... in the words of log verify');
like($page, qr{<h2>What stands out</h2>\s*<p>Nothing stands out\.</p>}, 'nothing stands out');
$trial->at_time('2027-01-09 14:00:00'); # a Saturday
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/achternaam.txt");
my $later = report('--from', '2027-01-06', '--to', '2027-01-10');
like($later, qr{2027-01-09 14:00:00</th>\s*<td data-name="What">Content shown outside working hours \(7-19\)</td>}, 'what stands out does');
unlike($later, qr/6100\d|2020-0000/, '... without a name');
my $dutch = report('--from', '2027-01-06', '--to', '2027-01-10', '--language', 'nl');
like($dutch, qr{<html lang="nl".*<h2>Wat opvalt</h2>.*Inhoud getoond buiten werktijd}s, 'in Dutch');
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'report', '--language', 'de'))[0], 2, 'another language: exit 2');
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'report', '--from', '2020-01-01'))[0], 2, 'too long: exit 2');
my ($status, $out) = $trial->dossier({uid => INCASSO}, 'log', 'report');
is("$status $out", '1 ', 'it is not for everybody');
is($trial->stop, 0, 'ends with 0');

# ---- sent elsewhere, and altered --------------------------------------------------------------------------------------------

my $dir = $trial->{dir};
like($page, qr{<h3>Checkpoints kept elsewhere</h3>\s*<p>The policy names no place}, 'that nothing is kept elsewhere is said');
Trial::write_file($trial->{policy}, Trial::small_policy() . "[log]\nsend = file $dir/kept, file /nowhere/kept\nworking-hours = 9-11\n");
my $sending = sub { run({env => $trial->{env}}, $trial->bin('dossier'), '-s', $trial->{store}, '-p', $trial->{policy}, 'log', 'send') };
is(($sending->())[0], 2, 'one place takes the checkpoint, one is not there');
($status, my $kept) = $trial->dossier({}, 'log', 'report', '--from', '2027-01-01', '--to', '2027-01-10');
like($kept, qr{file \Q$dir\E/kept</th>\s*<td data-name="Last sent">2027-01-09 14:00:00</td><td data-name="Up to entry">\d+</td><td data-name="State">in order<},
    'when it was last sent');
like($kept, qr{file /nowhere/kept</th>\s*<td data-name="Last sent">never</td><td data-name="Up to entry"></td><td data-name="State">failed at 2027-01-09 14:00:00<},
    '... and that it failed');
like($kept, qr{Content shown outside working hours \(9-11\)}, 'what stands out is by the limits of the policy');
$trial->at_time('2027-01-12 14:00:00');
($status, $kept) = $trial->dossier({}, 'log', 'report', '--from', '2027-01-01', '--to', '2027-01-10');
like($kept, qr{<td data-name="State">late<}, 'and that it is late');

# Somebody alters an entry on disk.
my ($segment) = sort glob("$trial->{store}/log/*.seg");
open my $bytes, '+<', $segment or die "$segment: $!";
my $text = Trial::read_file($segment);
$text =~ s/\0+\z//;
my $place = int(length($text) / 2);
seek $bytes, $place, 0;
print $bytes chr(255 - ord substr $text, $place, 1);
close $bytes;
my $err;
($status, $out, $err) = $trial->dossier({}, 'log', 'report', '--from', '2027-01-01', '--to', '2027-01-10');
isnt($status, 0, 'of a log that was altered: not exit 0');
like($out, qr{<p>(?:No: somebody|In part: some)}, '... and the page says so') or diag("$status $err");
done_testing;
