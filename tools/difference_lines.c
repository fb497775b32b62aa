#include "tools/difference_lines.h"

#include <errno.h>

#include "tools/output.h"

int difference_lines_print(FILE *out, const struct differences *list)
{
    int result = 0;

    for (size_t i = 0; i < list->count && result == 0; i++) {
        struct buffer text = BUFFER_EMPTY, safe = BUFFER_EMPTY;

        difference_describe(&list->all[i], &text);
        output_safe(&safe, buffer_text(&text));
        result = text.failed || safe.failed ? -ENOMEM : 0;
        if (result == 0)
            fprintf(out, "%s\n", buffer_text(&safe));
        buffer_clear(&text);
        buffer_clear(&safe);
    }
    return result;
}
