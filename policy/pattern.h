/* pattern: the small patterns of the policy (codes, TYPE_PATTERN): characters, `.`, `[a-z]`, `[^...]`, `\` before a special
 * character, and `?`, `*`, `+`, `{n}`, `{n,m}` behind one of these. No groups and no alternatives, so that matching is
 * linear in the text whatever the pattern (POSIX expressions of a hostile policy can take for ever). The whole text must
 * match. Characters are bytes; ASCII only. */
#ifndef DOSSIERFS_POLICY_PATTERN_H
#define DOSSIERFS_POLICY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct pattern;

enum { PATTERN_MAX_STATES = 256 };

/* 0 and *out the caller's (pattern_free); -EINVAL with *why a constant phrase; -ENOMEM. */
int pattern_compile(const char *text, struct pattern **out, const char **why);
void pattern_free(struct pattern *pattern);
bool pattern_match(const struct pattern *pattern, const char *text, size_t length_bytes);
/* As written in the policy. */
const char *pattern_text(const struct pattern *pattern);

#endif
