#include "tools/progress.h"

#include "fs/gate/clock.h"

enum { FIRST_MS = 1000, PAUSE_MS = 200 };

void progress_init(struct progress *progress, FILE *stream, bool is_terminal)
{
    *progress = (struct progress){.stream = is_terminal ? stream : NULL, .started_ms = clock_tick_ms()};
    progress->shown_ms = progress->started_ms + FIRST_MS - PAUSE_MS;
}

bool progress_due(struct progress *progress)
{
    return progress->stream && clock_tick_ms() - progress->shown_ms >= PAUSE_MS;
}

void progress_show(struct progress *progress, const char *text)
{
    if (!progress->stream)
        return;
    fprintf(progress->stream, "\r%.70s\x1b[K", text);
    fflush(progress->stream);
    progress->shown_ms = clock_tick_ms();
    progress->visible = true;
}

int64_t progress_elapsed_ms(const struct progress *progress)
{
    return clock_tick_ms() - progress->started_ms;
}

void progress_erase(struct progress *progress)
{
    if (progress->visible)
        fputs("\r\x1b[K", progress->stream);
    progress->visible = false;
}
