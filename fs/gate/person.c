/* person: who a uid is, from NSS (so that LDAP and AD work through sssd or winbind). May wait. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/base/number.h"
#include "fs/gate/gate.h"

enum { NSS_BUFFER_BYTES = 65536 };

void gate_person_clear(struct gate_person *person)
{
    for (unsigned i = 0; i < person->group_count; i++)
        free(person->groups[i]);
    free(person->groups);
    memset(person, 0, sizeof *person);
}

static void read_program(int32_t pid, char program[16])
{
    char path[64];
    ssize_t got = -1;
    int fd;

    program[0] = '\0';
    if (pid <= 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, program, 15);
        close(fd);
    }
    program[got > 0 ? got : 0] = '\0';
    program[strcspn(program, "\n")] = '\0';
}

static int add_group(struct gate_person *person, gid_t gid, char *scratch)
{
    struct group entry, *found = NULL;
    int error = getgrgid_r(gid, &entry, scratch, NSS_BUFFER_BYTES, &found);

    if (error && error != ENOENT && error != ESRCH && error != ERANGE)
        return -EAGAIN;
    if (error || !found)
        return 0; /* a number without a name can't be in a policy */
    person->groups[person->group_count] = strdup(found->gr_name);
    if (!person->groups[person->group_count])
        return -ENOMEM;
    person->group_count++;
    return 0;
}

static int read_groups(struct gate_person *person, gid_t gid, char *scratch)
{
    gid_t gids[GATE_MAX_GROUPS];
    int count = GATE_MAX_GROUPS;
    int error = 0;

    /* More groups than fit: the first ones count. Whoever is missed sees less, never more. */
    if (getgrouplist(person->user, gid, gids, &count) < 0)
        count = GATE_MAX_GROUPS;
    person->groups = calloc((size_t)count + 1, sizeof *person->groups);
    if (!person->groups)
        return -ENOMEM;
    for (int i = 0; i < count && !error; i++)
        error = add_group(person, gids[i], scratch);
    return error;
}

int gate_person_look_up(uint32_t uid, int32_t pid, struct gate_person *person)
{
    struct gate_person found = {.uid = uid, .pid = pid};
    struct passwd entry, *account = NULL;
    char *scratch = malloc(NSS_BUFFER_BYTES);
    int error;

    if (!scratch)
        return -ENOMEM;
    read_program(pid, found.program);
    error = getpwuid_r(uid, &entry, scratch, NSS_BUFFER_BYTES, &account);
    if (error == ENOENT || error == ESRCH)
        error = 0; /* some services say so for a uid that has no account */
    if (error) {
        error = -EAGAIN;
    } else if (account && strlen(account->pw_name) < sizeof found.user) {
        gid_t gid = account->pw_gid;

        memcpy(found.user, account->pw_name, strlen(account->pw_name) + 1);
        error = read_groups(&found, gid, scratch);
    }
    if (error)
        gate_person_clear(&found);
    else
        *person = found;
    free(scratch);
    return error;
}

int gate_person_find(const char *user, struct gate_person *person)
{
    struct passwd entry, *account = NULL;
    char *scratch;
    uint32_t uid;
    int error;

    if (number_parse_u32(user, strlen(user), 0, UINT32_MAX - 1, &uid) == 0)
        return gate_person_look_up(uid, 0, person);
    scratch = malloc(NSS_BUFFER_BYTES);
    if (!scratch)
        return -ENOMEM;
    error = getpwnam_r(user, &entry, scratch, NSS_BUFFER_BYTES, &account);
    if (!error && account)
        error = gate_person_look_up(account->pw_uid, 0, person);
    else
        error = !error || error == ENOENT || error == ESRCH ? -ENOENT : -EAGAIN;
    free(scratch);
    return error;
}
