#!/usr/bin/perl
# Goal: check-layers passes a tree that keeps the arrows and fails each tree with one planted fault, naming the place.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

my %sound = (
    'Makefile'          => "all:\n",
    'fs/base/buffer.h'  => "struct buffer;\n",
    'fs/base/buffer.c'  => "#include \"fs/base/buffer.h\"\n",
    'policy/policy.h'   => "#include \"fs/base/buffer.h\"\n",
    'policy/parse.c'    => "#include <ini.h>\n#include \"policy/policy.h\"\n/* no time() here; open (too) */\n",
    'fs/store/store.h'  => "int store_create(int);\nint store_find(int code);\n",
    'fs/store/crypt.h'  => "\n",
    'fs/store/find.c'   => "#include <sqlite3.h>\n#include \"fs/store/crypt.h\"\nint store_find(int code) { return code; }\n",
    'fs/log/log.h'      => "int log_append(int);\n",
    'fs/log/verify.h'   => "\n",
    'fs/gate/gate.h'    => "#include \"fs/log/log.h\"\n#include \"fs/store/store.h\"\n#include \"policy/policy.h\"\n",
    'fs/gate/gate.c'    => "#include \"fs/gate/gate.h\"\nint gate_x(void) { return store_find(1) + log_append(2); }\n",
    'fs/mount/nodes.c'  => "#include <fuse3/fuse_lowlevel.h>\n#include \"fs/gate/gate.h\"\n/* never store_find() */\n",
    'fs/mount/nodes.h'  => "\n",
    'fs/main.c'         => "#include \"fs/gate/gate.h\"\n#include \"tools/commands.h\"\n",
    'tools/commands.h'  => "\n",
    'tools/init.c'      => "#include \"fs/store/store.h\"\nint f(void) { return store_create(1); }\n",
    'tools/log_verify.c' => "#include \"fs/log/verify.h\"\nconst char *const text = \"store_find(1)\";\n",
    'tests/unit/store_x.c' => "#include \"fs/store/crypt.h\"\nint g(void) { return store_find(3); }\n",
    'build-x/fs/x.c'    => "#include \"fs/mount/nowhere.h\"\n",
);

# Name of the fault => file, its content, what has to be said.
my @planted = (
    ['gate knows no mount',        'fs/gate/x.h', "#include \"fs/mount/nodes.h\"\n", qr{fs/gate/x\.h:1: back-arrow}],
    ['base is a leaf',             'fs/base/bytes.c', "#include \"policy/policy.h\"\n", qr{fs/base/bytes\.c:1: back-arrow}],
    ['policy knows no gate',       'policy/decide.c', "\n#include \"fs/gate/gate.h\"\n", qr{policy/decide\.c:2: back-arrow}],
    ['policy knows no store',      'policy/decide.c', "#include \"fs/store/store.h\"\n", qr{back-arrow}],
    ['store knows no log',         'fs/store/x.c', "#include \"fs/log/log.h\"\n", qr{back-arrow}],
    ['log knows no policy',        'fs/log/x.c', "#include \"policy/policy.h\"\n", qr{back-arrow}],
    ['gate knows no tools',        'fs/gate/x.c', "#include \"tools/commands.h\"\n", qr{back-arrow}],
    ['mount goes by the gate',     'fs/mount/x.c', "#include \"fs/log/log.h\"\n", qr{back-arrow}],
    ['only init sees the store',   'tools/import.c', "#include \"fs/store/store.h\"\n", qr{back-arrow}],
    ['init sees no log',           'tools/init.c', "#include \"fs/log/verify.h\"\n", qr{back-arrow}],
    ['private headers stay so',    'fs/gate/x.c', "#include \"fs/store/crypt.h\"\n", qr{private header}],
    ['private for the daemon too', 'fs/main.c', "#include \"fs/store/crypt.h\"\n", qr{private header}],
    ['from the root',              'fs/store/x.c', "#include \"store.h\"\n", qr{from the root}],
    ['blanks do not hide it',      'fs/log/x.c', "  #  include  \"policy/policy.h\"\n", qr{back-arrow}],
    ['fuse in the daemon',         'fs/main.c', "#include <fuse_lowlevel.h>\n", qr{<fuse_lowlevel\.h>}],
    ['inih elsewhere',             'policy/lines.c', "#include <ini.h>\n", qr{<ini\.h>}],
    ['SQL in the policy',          'policy/lines.c', "#include <sqlite3.h>\n", qr{<sqlite3\.h>}],
    ['mount reads the store',      'fs/mount/x.c', "int f(void)\n{\n    return store_find(1);\n}\n", qr{fs/mount/x\.c:3: store_find}],
    ['tools write the log',        'tools/x.c', "int (*f)(int) = log_append;\n", qr{log_append\(\) is behind the door}],
    ['policy reads the clock',     'policy/x.c', "long f(void) { return time(0); }\n", qr{policy is pure}],
    ['a room nobody decided',      'fs/extra/x.c', "\n", qr{lies in no room}],
    ['a file at the top',          'notes.txt', "\n", qr{notes\.txt: does not belong}],
);

plan tests => 1 + 2 * @planted;
my ($status, $said) = check({});
is("$status $said", "0 check-layers: 18 files, 0 faults\n", 'a sound tree passes');
for my $case (@planted) {
    my ($name, $path, $text, $expected) = @$case;
    ($status, $said) = check({$path => $text});
    is($status, 1, "$name: fails");
    like($said, $expected, "$name: says where");
}

sub check {
    my ($more) = @_;
    my $dir  = tempdir(CLEANUP => 1);
    my %tree = (%sound, %$more);
    for my $path (keys %tree) {
        make_path(dirname("$dir/$path"));
        open my $file, '>', "$dir/$path" or die "$path: $!";
        print $file $tree{$path};
        close $file or die "$path: $!";
    }
    my $output = `tests/check-layers $dir 2>&1`;
    return ($? >> 8, $output);
}
