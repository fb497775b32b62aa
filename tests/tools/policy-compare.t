#!/usr/bin/perl
# Goal: what a policy shows is written out as it decides, what another policy changes is told in people's words, what is never shown
# is proved or shown to be broken; with exit codes that a script can use, at once.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(time);
use Trial qw(run write_file read_file);

my $dossier = abs_path($ENV{BUILD} // 'build') . '/dossier';
plan skip_all => "there is no $dossier" unless -x $dossier;
my $dir = tempdir(CLEANUP => 1);
my $flagship = 'examples/woningcorporatie.ini';

sub diff { return run({}, $dossier, 'policy', 'diff', @_) }

# The flagship policy with something replaced, which has to be there.
sub changed {
    my (@replace) = @_;
    my $text = read_file($flagship);
    while (my ($from, $to) = splice @replace, 0, 2) {
        my $at = index $text, $from;
        BAIL_OUT("the flagship has no $from") if $at < 0;
        substr($text, $at, length $from) = $to;
    }
    return write_file("$dir/new.ini", $text);
}

my ($status, $out, $err) = diff($flagship, $flagship);
is("$status $err", '0 ', 'a policy and itself');
like($out, qr/say the same$/, 'say the same');
($status, $out) = diff($flagship, changed('[kind huurder]' => "; a comment\n\n[kind huurder]"));
is($status, 0, 'so do they with another comment');

# Words for a change of each sort.
my $small = read_file('examples/minimal.ini');
$small =~ s/fields = identity/fields = surname/ or die;
my $old = write_file("$dir/small.ini", $small);
sub tells {
    my ($name, $from, $to, @lines) = @_;
    my $text = $small;
    $text =~ s/\Q$from\E/$to/ or die "no $from";
    my ($code, $told, $error) = diff($old, write_file("$dir/small-new.ini", $text));
    is("$code $error", '1 ', "$name: exit code");
    is($told, join('', map { "$_\n" } @lines), $name);
    return;
}
tells('a field', 'fields = surname', 'fields = identity',
    'collections gains end-date for rent-collection, shown; 1 person', 'purpose rent-collection gains fields: end-date');
tells('a mask', "purposes = rent-collection\n", "purposes = rent-collection\nmask = surname:initial\n",
    'collections sees surname for rent-collection masked: first letter (was shown); 1 person');
tells('a ground', 'ground = A', 'ground = D',
    q(collections sees surname for rent-collection shown, while the person's consent holds (was shown); 1 person),
    'purpose rent-collection: ground is D, was A');
tells('members', 'members  = 61001', 'members = 61001, bob, @desk', 'role collections gains member bob', 'role collections gains member @desk');
tells('a term', '2y after end-date', '3y after end-date',
    "category identity: the term for kind tenant is 3 years after \x{e2}\x{80}\x{9c}end-date\x{e2}\x{80}\x{9d}, was 2 years after \x{e2}\x{80}\x{9c}end-date\x{e2}\x{80}\x{9d}");
tells('secrecy', '61001 2025-01-01', '61001 2025-01-01 2026-06-30', 'secrecy 61001: bound is from 2025-01-01 until 2026-06-30, was from 2025-01-01');
tells('a command', "purposes = rent-collection\n", "purposes = rent-collection\ncommands = log.show\n", 'role collections gains command log.show');
tells('a limit', "purposes = rent-collection\n", "purposes = rent-collection\ndossiers-per-hour = 20\n", 'role collections gains limit of dossiers per hour: 20');

# What seems to be a rename: the file it is in, the line, and what is lost.
(my $renamed = $small) =~ s/rent-collection/collecting-rent/g;
my $new = write_file("$dir/small-new.ini", $renamed);
($status, $out) = diff($old, $new);
my $at = 1 + (() = substr($renamed, 0, index $renamed, '[purpose') =~ /\n/g);
like($out, qr/^\Q$new\E:$at: warning: purpose rent-collection is gone, and collecting-rent is new and says the same: without was = rent-collection it is not the same, and the consents, objections/m,
    'a rename without was is warned of');
my ($warned) = grep { $_->{what} eq 'warning' } map { decode_json($_) } split /\n/, (diff('--json', $old, $new))[1];
is($warned->{new_line}, $at, 'as JSON too');
$renamed =~ s/^(\[purpose collecting-rent\])/$1\nwas = rent-collection/m or die;
write_file($new, $renamed);
unlike((diff($old, $new))[1], qr/warning/, 'one with was is not');

# For programs.
($status, $out) = diff('--json', $flagship, changed("[secrecy]\n" => "[role nieuw]\nmembers = 61009, \@nieuw\npurposes = nieuwsbrief\n\n[secrecy]\n"));
is($status, 1, '--json: exit code');
my @found = map { decode_json($_) } split /\n/, $out;
my ($access) = grep { $_->{what} eq 'access' } @found;
is_deeply([@{$access}{qw(way name purpose before people)}, $access->{fields}, $access->{groups}],
    ['gains', 'nieuw', 'nieuwsbrief', 'hidden', 1, ['email'], ['@nieuw']], 'an object a difference');
like($access->{text}, qr/^nieuw gains email for nieuwsbrief.*; 1 person and \@nieuw$/, 'with the sentence');

# What can't be compared.
($status, $out, $err) = diff($flagship, write_file("$dir/broken.ini", "[policy]\n"));
is($status, 2, 'a policy with faults is not compared: that is no difference');
like($err, qr/broken\.ini:\d+: /, 'and its faults are told');
($status) = diff($flagship, "$dir/none.ini");
is($status, 2, 'nor is one that is not there');

# What is never shown.
sub never { return run({}, $dossier, '-p', $flagship, 'policy', 'never', @_) }
($status, $out, $err) = never('never role klantcontact sees inkomensgegevens', 'anyone sees geslacht for onderhoud');
is("$status $err", '0 ', 'what holds');
is($out, "holds   never role klantcontact sees inkomensgegevens\nholds   anyone sees geslacht for onderhoud\n2 of 2 hold\n", 'is said to hold');
($status, $out) = never('role verhuur sees rekeningnummer unmasked', 'never role verhuur sees rekeningnummer of huurder');
is($status, 1, 'what is broken');
my ($line) = $out =~ /:(\d+)\)$/m;
$line //= 0;
is($out, "holds   role verhuur sees rekeningnummer unmasked\nBROKEN  never role verhuur sees rekeningnummer of huurder\n"
    . "        verhuur sees rekeningnummer of a huurder for overeenkomst-sluiten, masked: last 4 characters  ($flagship:$line)\n1 of 2 hold\n",
    'comes with an example');
like((split /\n/, read_file($flagship))[$line - 1], qr/^mask .*rekeningnummer:last4/, 'and the line that decides');
my $file = write_file("$dir/never.txt", "# what we promise\n\nnever anyone sees email for onderhoud ; a remark\r\nanyone sees achternaam for nieuwsbrief\n");
($status, $out) = never('--file', $file);
is($status, 0, 'from a file');
like($out, qr/^2 of 2 hold$/m, 'each line');
write_file($file, "anyone sees email for onderhoud\nanyone sees emial\n");
($status, $out, $err) = never('--file', $file);
is($status, 2, 'what is not understood proves nothing');
like($err, qr/never\.txt:2: .*did you mean "email"/, 'is told with its line');
($status) = never();
is($status, 2, 'nor does nothing');
($status, $out) = never('--json', 'anyone sees email for nieuwsbrief', 'anyone sees email for nieuwsbrief without consent');
is($status, 1, 'as JSON');
my ($broken, $holds) = map { decode_json($_) } split /\n/, $out;
is_deeply([$broken->{holds} ? 1 : 0, @{$broken->{example}}{qw(role purpose field verdict)}, $holds->{holds} ? 1 : 0],
    [0, qw(klantcontact nieuwsbrief email shown), 1], 'with the example; a condition that is needed is no break');

# Who sees what.
sub matrix { my ($policy, @options) = @_; return run({}, $dossier, '-p', $policy, 'policy', 'matrix', @options) }
($status, $out, $err) = matrix('examples/clinic.ini', '--purpose', 'appointments');
is("$status $err", '0 ', 'a table');
like($out, qr/^appointments\nGround A, .*All of it, in the role's caseload\.\nFIELD +assistant\nsurname +shown\nbirth-date +masked: the year\n/,
    'with what all of it takes above it, and how a field is masked');
($status, $out) = matrix('examples/clinic.ini');
like($out, qr/^inspection\n.*All of it, whatever is objected to, even where restricted\.$/m, 'a legal duty goes on');
like($out, qr/^note +shown, what they wrote themselves +shown$/m, 'a condition of one role is in its cell');
like($out, qr/^diagnosis +shown +-$/m, 'what a role does not see');
($status, $out, $err) = matrix('examples/clinic.ini', '--purpose', 'apointments');
is($status, 2, 'an unknown purpose');
like($err, qr/did you mean "appointments"/, 'is told');
($status) = matrix('examples/clinic.ini', '--csv', '--html');
is($status, 2, 'one form at a time');

# Every cell of the CSV is what `policy explain` says, which asks for one person: here somebody who is in that role alone.
sub explained {
    my ($policy, $user, $purpose) = @_;
    my (undef, $text) = run({}, $dossier, '-p', $policy, 'policy', 'explain', '--user', $user, '--purpose', $purpose);
    my ($table) = $text =~ /^FIELD.*?\n(.*?)\n\n/ms;
    return {map { /^(\S+) +(hidden|shown|masked)/ ? ($1 => $2) : () } split /\n/, $table // ''};
}
my ($cells, %users) = (0, incasso => 61001, klantcontact => 61002, opzichter => 61003);
($status, $out) = matrix($flagship, '--csv');
my ($head, @lines) = split /\r\n/, $out;
is($head, 'purpose,ground,kind,role,party,field,verdict,mask,conditions,rule,may_change,may_create,line', 'the CSV has a head');
my (%asked, @other);
for (@lines) {
    my ($of, undef, undef, $role, undef, $field, $verdict) = split /,/;
    next unless my $user = $users{$role};
    $cells++;
    my $told = $asked{"$user $of"} //= explained($flagship, $user, $of);
    push @other, $_ if $told->{$field} ne $verdict;
}
is("@other", '', 'each cell is what explain says') or diag explain \%asked;
cmp_ok($cells, '>', 50, "$cells cells were compared");

# The page, whatever the labels say.
SKIP: {
    my @missing = grep { system("command -v $_ >/dev/null 2>&1") } qw(xmllint tidy);
    skip "missing: @missing (make deps)", 5 if @missing;
    my $text = read_file('examples/minimal.ini');
    $text =~ s/^(purposes = .*)/$1\nlabel = "><script>alert(1)<\/script>&'/m or die;
    for my $policy ($flagship, 'examples/clinic.ini', write_file("$dir/label.ini", $text)) {
        (undef, my $html) = matrix($policy, '--html');
        my $page = write_file("$dir/page.html", $html);
        is(qx(xmllint --noout --nonet $page 2>&1) . qx(tidy -qe -utf8 $page 2>&1), '', "the page of $policy is valid");
        unlike($html, qr/<(?:script|img|link|iframe)\b|src\s*=|href\s*=\s*"(?!#)|url\(/i, 'does nothing and fetches nothing');
        unlike($html, qr/\b610\d\d\b|\@(?!media|page\{)\w/, 'and names no member') if $policy eq $flagship;
    }
}

my $began = time;
matrix($flagship, '--html');
cmp_ok(time - $began, '<', 1, 'the flagship policy is written out within a second');
$began = time;
never('anyone sees anything', 'recipient sees special');
cmp_ok(time - $began, '<', 1, 'all of the flagship policy is asked within a second');
$began = time;
diff($flagship, 'examples/clinic.ini');
cmp_ok(time - $began, '<', 1, 'the flagship policy is compared with another within a second');
done_testing;
