#!/usr/bin/perl
# Goal: the pages for people (report of the log, matrix, register, statement), of the flagship's policy, are as a browser shows them: on a
# telephone and on paper nothing is wider than the screen, nothing is asked of the network, and there is something to see.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Browser qw(measure requests picture paper is_blank);
use Test::More;
use Trial;

use constant {PHONE => 360, A4 => 794}; # CSS pixels; 210 mm are 794

Trial::needs('faketime');
plan skip_all => Browser::missing() if Browser::missing();

my $trial = Trial->new(policy_file => Trial::example_policy(), csv => undef);
my ($mnt, $dir) = @$trial{qw(mnt dir)};
my (undef, $csv) = run({}, $trial->bin('sample-data'), '--count', 30, '--today', '2027-01-01');
$trial->import_csv($csv);
$trial->at_time('2027-01-04 10:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
for my $day (4 .. 8, 11, 12, 16) {
    $trial->at_time(sprintf '2027-01-%02d 10:00:00', $day);
    my @dossiers = (split ' ', names_as(INCASSO, "$mnt/huur-innen"))[0 .. $day % 5];
    slurp_as(INCASSO, "$mnt/huur-innen/$_/dossier.txt") for @dossiers;
    slurp_as(STRANGER, "$mnt/huur-innen/$dossiers[0]/huur.txt");
    slurp_as(KLANTCONTACT, "$mnt/communicatie/$dossiers[0]/achternaam.txt");
}
$trial->at_time('2027-01-18 10:00:00');

my %pages;
for my $language ('en', 'nl') {
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, qw(log report --from 2027-01-01 --to 2027-01-31 --language), $language);
    is("$status $err", '0 ', "a report in $language");
    $pages{"report-$language"} = $out;
}
$pages{matrix} = $trial->must(qw(policy matrix --html));
$pages{register} = $trial->must(qw(policy register --format html));
$pages{statement} = $trial->must(qw(policy statement));
is($trial->stop, 0, 'ends with 0');

my $like = measure($dir, \%pages, PHONE, A4);
for my $name (sort keys %pages) {
    for my $width (PHONE, A4) {
        my $told = $like->{$name}{$width};
        is($told->{inner}, $width, "$name: shown $width wide");
        cmp_ok($told->{scroll} // 9999, '<=', $width, '... and nothing is wider');
        cmp_ok($told->{words} // 0, '>', 100, '... with its words');
        is($told->{bars}, 16, '... and its bars: 8 days with openings, 8 with refusals') if $name =~ /^report/;
        my $file = Trial::write_file("$dir/$name.html", $pages{$name});
        ok(!is_blank(picture($dir, $file, $width, 1200, "$dir/$name-$width.png")), '... and a picture of it is not blank');
    }
    my @sheets = paper("$dir/$name.html", "$dir/$name.pdf");
    ok(@sheets && !grep({ $_ ne '595x842' } @sheets), "$name: on paper every sheet is A4") or diag("@sheets");
}
my $all = Trial::write_file("$dir/all.html", join '', '<!DOCTYPE html><html><body>', (map { qq{<iframe src="$_.html"></iframe>} } sort keys %pages), '</body></html>');
is_deeply([requests($all)], [], 'they ask nothing of the network');

# The same eyes see it where something is wrong.
my $wide = Trial::write_file("$dir/wide.html", '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><pre style="width:500px">x</pre>'
    . '<img src="http://planted.example/x.png"></body></html>');
cmp_ok(measure($dir, {wide => Trial::read_file($wide)}, PHONE)->{wide}{PHONE()}{scroll}, '>', PHONE, 'a page that is too wide is found');
my @asked = requests($wide);
like("@asked", qr{planted\.example}, '... and what it asks of the network');
my $planted = Trial::write_file("$dir/planted.html", $pages{'report-nl'} =~ s{</body>}{<img src="http://planted.example/x.png"/></body>}r);
is_deeply([requests($planted)], [], 'a picture planted in a report is not fetched: its own rule forbids it');
ok(is_blank(picture($dir, Trial::write_file("$dir/blank.html", '<!DOCTYPE html><html><body></body></html>'), PHONE, 800, "$dir/blank.png")),
    '... and a blank one');
if (my $keep = $ENV{PAGES}) { # for who wants to look
    system('cp', glob("$dir/*.png $dir/*.html $dir/*.pdf"), $keep);
}
done_testing;
