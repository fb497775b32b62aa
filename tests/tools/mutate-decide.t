#!/usr/bin/perl
# Goal: the decision table notices when a condition of the decision is gone or off by one.
#
# Takes one condition at a time out of a copy of policy/decide.c, runs the table test with it, and wants a red row; and
# where no other condition stands behind it, a row that shows what should be hidden. A rule that has no condition in the
# file, or a condition that belongs to no rule, is a failure too.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use Test::More;

chdir dirname(File::Spec->rel2abs($0)) . '/../..' or die "chdir: $!\n";
my $build = File::Spec->rel2abs($ENV{BUILD} // 'build');
my @cc    = split ' ', $ENV{CC} // 'cc';
my $unit  = "$build/unit/policy_decide";
my $trial = tempdir('mutate-decide.XXXXXX', TMPDIR => 1, CLEANUP => 1);

plan skip_all => "$unit is not built" unless -x $unit;

my $source = slurp('policy/decide.c');
my @rules  = slurp('policy/decide.h') =~ /^\s*(DECIDE_[A-Z_]+),/mg;

# The archive holds the real decision; an object before it on the command line takes its place.
compile('policy/decide.c', 'whole.o') or BAIL_OUT("$cc[0] does not compile policy/decide.c");
my ($status, $red) = run_table('whole.o');
is("$status " . @$red, '0 0', 'the decision as it is: no red row');

# ---- each condition taken out: `if (...)` in front of the return that names its rule ----
# Whom no role is left for is stopped by the next condition on roles too: there only the rule changes.
my %backed = map { $_ => 1 } qw(DECIDE_NO_PURPOSE DECIDE_NO_ROLE DECIDE_ROLE_PURPOSE DECIDE_AGREEMENT DECIDE_ROLE_FIELD
    DECIDE_SPECIAL DECIDE_CATEGORY_ROLE DECIDE_CASELOAD);
my %found;
for my $rule (grep { !/SHOWN|MASKED/ } @rules) {
    my $mutant = $source;
    my $times  = $mutant =~ s/\bif \(([^;{}]*)\)(\s*return hidden\($rule\b)/if (0 && ($1))$2/g;
    is($times || 0, 1, "$rule: one condition in decide.c");
    $found{$rule} = $times || 0;
    dies($mutant, "$rule taken out", !$backed{$rule});
}
my $conditions = () = $source =~ /return hidden\(/g;
is($conditions, scalar(keys %found), 'every condition that hides was taken out once');

# ---- and what the conditions are made of: [name, from, to, opens]; opens: something hidden must have shown ----
my @changes = (
    ['a second late',               'now_s >= facts->ends_s',           'now_s > facts->ends_s',        1],
    ['a second early',              'now_s >= facts->ends_s',           'now_s + 1 >= facts->ends_s',   0],
    ['every purpose in each role',  '.purposes >> purpose & 1',         '.purposes >> purpose >= 0',    1],
    ['every kind in each purpose',  'purpose->kinds >> kind & 1',       'purpose->kinds >> kind >= 0',  1],
    ['no narrowing',                '!policy->roles[role].narrows ||',  '1 ||',                         1],
    ['narrowing without a list',    '!policy->roles[role].narrows ||',  '0 ||',                         0],
    ['no mask',                     'if (!plain)',                      'if (0)',                       0],
    ['one mask is enough',          'if (!plain)',                      'if (plain != roles->reading)', 0],
    ['mask of any role',            'roles_without_mask(policy, roles->reading', 'roles_without_mask(policy, standing->roles', 0],
    ['narrowing by any role',       'roles_showing(policy, roles->in_force', 'roles_showing(policy, standing->roles', 1],
    ['an agreement for ever',       'roles->with & standing->in_force', 'roles->with',                  1],
    ['drop is read back',           '!field_set_has(&policy->roles[role].drop', '1 || !field_set_has(&policy->roles[role].drop', 1],
    ['special to everyone',         '!policy->fields[field].special ||', '1 ||',                        1],
    ['special to nobody',           '!policy->fields[field].special ||', '0 ||',                        0],
    ['trust from any role',         'roles_trusted(policy, roles->showing', 'roles_trusted(policy, standing->roles', 1],
    ['every role admitted',         'category->roles ? roles & category->roles : roles', 'roles',       1],
    ['each dossier in each caseload', 'policy->roles[role].caseload_field < 0 ||', '1 ||',              1],
    ['no role without a caseload',  'policy->roles[role].caseload_field < 0 ||', '0 ||',                0],
    ['everyone the author',         'if (own ||',                       'if (1 ||',                     1],
    ['the author is nobody',        'if (own ||',                       'if (0 ||',                     0],
    ['restricted for no purpose',   ' && !asked->restriction_line',     '',                             0],
    ['consent on every ground',     "asked->ground == 'D' && ",         '',                             0],
    ['an objection ends a duty',    "asked->ground != 'B' && ",         '',                             0],
    ['a calamity on every ground',  "asked->ground == 'E' && ",         '',                             0],
    ['an incident for everything',  'category->incident && ',           '',                             0],
    ['any consent will do',         '!holds(dossier->consents, (unsigned)purpose)', '!dossier->consents', 1],
    ['any objection will do',       'holds(dossier->objections, (unsigned)purpose)', 'dossier->objections', 0],
    ['any restriction will do',     'holds(dossier->restricted, in_category)', 'dossier->restricted',   0],
    ['any calamity will do',        '!holds(dossier->calamity, (unsigned)purpose)', '!dossier->calamity', 1],
    ['any incident will do',        '!holds(dossier->incidents, in_category)', '!dossier->incidents',   1],
    ['nothing known is all known',  ': &nothing_known',                 ': &decide_favourable',         1],
);
for my $change (@changes) {
    my ($name, $from, $to, $opens) = @$change;
    my $mutant = $source;
    my $times  = $mutant =~ s/\Q$from\E/$to/g;
    is($times || 0, 1, "$name: found once in decide.c");
    dies($mutant, $name, $opens);
}
done_testing();

# A mutant must make the test end badly with a red row, or end it outright.
sub dies {
    my ($mutant, $name, $opens) = @_;
    spew("$trial/mutant.c", $mutant);
    return fail("$name: compiles") unless compile("$trial/mutant.c", 'mutant.o');
    my ($ended, $rows) = run_table('mutant.o');
    my $opened = grep { /red: (?:shown|masked).*, not hidden/ } @$rows;
    ok($ended != 0 && (@$rows || $ended > 128), sprintf '%s: %d rows turn red, %d of them show what is hidden', $name,
        scalar @$rows, $opened);
    ok($opened, "$name: opens something, and is seen") if $opens;
    return;
}

sub compile {
    my ($file, $object) = @_;
    return system(@cc, qw(-std=c11 -D_GNU_SOURCE -O1 -w -I.), flags('--cflags'), '-c', '-o', "$trial/$object", $file) == 0;
}

sub flags {
    my ($which) = @_;
    our %flags;
    return @{$flags{$which} //= [split ' ', qx(pkg-config $which libsodium sqlite3 inih libutf8proc cmocka 2>/dev/null)]};
}

# The status as a shell tells it (a sanitizer's end is one by a signal), and the red rows.
sub run_table {
    my ($object) = @_;
    my $link = system(@cc, '-o', "$trial/table", sanitized(), "$build/tests/unit/policy_decide.o", "$trial/$object",
        "$build/libpolicy.a", "$build/libbase.a", flags('--libs'), '-lcmocka');
    BAIL_OUT('the table test does not link') if $link != 0;
    my @lines = qx(CMOCKA_MESSAGE_OUTPUT=stdout timeout 10 "$trial/table" 2>&1);
    my $ended = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    $ended = 134 if grep { /AddressSanitizer|runtime error:/ } @lines;
    return ($ended, [grep { /: red: / } @lines]);
}

# Objects of a build with sanitizers need their libraries.
sub sanitized {
    our $sanitized;
    $sanitized //= qx(nm "$build/tests/unit/policy_decide.o") =~ /__asan_init/ ? '-fsanitize=address,undefined' : '';
    return $sanitized || ();
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

sub spew {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return;
}
