#include "tools/publication.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/suggest.h"
#include "tools/place.h"
#include "tools/replace.h"

static int take_format(struct publication *publication, const char *const *formats)
{
    const char *word = commands_option(publication->context, "format");
    struct suggest suggest;

    if (!word)
        return COMMAND_DONE;
    suggest_init(&suggest, word);
    for (unsigned i = 0; formats[i]; i++) {
        suggest_consider(&suggest, formats[i]);
        publication->format = i;
        if (strcmp(formats[i], word) == 0)
            return COMMAND_DONE;
    }
    return commands_cannot(publication->context, "--format: there is no form \"%.40s\"%s%s%s (see --help)", word,
                           suggest.nearest ? "; did you mean \"" : "", suggest.nearest ? suggest.nearest : "",
                           suggest.nearest ? "\"?" : "");
}

static int take_language(struct publication *publication)
{
    const char *word = commands_option(publication->context, "language");

    if (!word)
        word = publication->policy->published.language;
    if (!*word || wording_find_language(word, &publication->language))
        return COMMAND_DONE;
    return commands_cannot(publication->context, "--language: there is no language \"%.40s\" here; allowed: en, nl",
                           word);
}

/* What the law has a reader told (GDPR art. 13(1) and 30(1)(a)) and only the policy can say. */
static void tell_lacking(const struct publication *publication)
{
    const struct policy *policy = publication->policy;
    const char *address = *policy->published.address ? "" : " `address`",
               *contact = *policy->contact ? "" : " `contact`";

    if (*address || *contact)
        fprintf(publication->context->error, "dossier: readers have to know where to turn to: [policy] lacks%s%s%s\n",
                address, *address && *contact ? " and" : "", contact);
}

int publication_begin(struct command_context *context, const char *const *formats, struct publication *publication)
{
    int code;

    *publication = (struct publication){.context = context};
    if (!context->place.policy)
        return commands_cannot(context, "which policy? -n NAME or -p POLICY");
    code = take_format(publication, formats);
    if (code == COMMAND_DONE)
        code = place_read_policy(context->place.policy, &publication->policy, context->error);
    if (code == COMMAND_DONE)
        code = take_language(publication);
    if (code == COMMAND_DONE)
        tell_lacking(publication);
    if (code != COMMAND_DONE)
        return code;
    publication->out = open_memstream(&publication->text, &publication->text_bytes);
    return publication->out ? COMMAND_DONE : commands_cannot(context, "no memory");
}

static int deliver(const struct publication *publication)
{
    const struct command_context *context = publication->context;
    const char *path = commands_option(context, "output");

    if (path)
        return replace_file(path, publication->text, publication->text_bytes, context->error) < 0 ? COMMAND_CANNOT
                                                                                                  : COMMAND_DONE;
    fwrite(publication->text, 1, publication->text_bytes, context->out);
    return COMMAND_DONE; /* an output that fails is found when the program ends */
}

int publication_end(struct publication *publication, int code, int result)
{
    bool failed = publication->out && ferror(publication->out);

    if (publication->out && fclose(publication->out) != 0)
        failed = true;
    if (failed)
        result = -ENOMEM; /* a stream into memory fails for nothing else */
    if (code == COMMAND_DONE && result < 0)
        code = commands_cannot(publication->context, "no memory");
    if (code == COMMAND_DONE)
        code = deliver(publication);
    free(publication->text);
    policy_free(publication->policy);
    *publication = (struct publication){0};
    return code;
}
