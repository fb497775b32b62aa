#include "tools/serve.h"

#include <string.h>
#include <sys/stat.h>

#include "tools/command_line.h"

const char tools_serve_question[] = "serves";

/* Two mounts may have policies of one name, and so one socket: a command for another store must not be done here. */
static bool is_other_store(const struct gate *gate, const struct control_request *request)
{
    struct stat status;

    if (request->store_device == 0 && request->store_inode == 0)
        return false;
    return stat(gate_store_path(gate), &status) < 0 || status.st_dev != request->store_device ||
           status.st_ino != request->store_inode;
}

/* The streams behind output and error must be those of the files that the command line names, in their direction. */
static bool hand_over(const struct command_line *line, const struct control_request *request,
                      struct command_context *context)
{
    struct command_line_file files[COMMAND_MAX_FILES];
    unsigned count = command_line_files(line, files);

    if (request->stream_count != 2 + count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        FILE *stream = request->streams[2 + i];

        if (request->is_input[2 + i] != (files[i].file == COMMAND_READ))
            return false;
        if (files[i].option >= 0)
            context->option_stream[files[i].option] = stream;
        else
            context->argument_stream[files[i].argument] = stream;
    }
    return true;
}

int tools_serve(void *gate, const struct control_request *request)
{
    struct command_line line = {0};
    struct command_context context = {.out = request->streams[0],
                                      .error = request->streams[1],
                                      .out_is_terminal = request->out_is_terminal,
                                      .error_is_terminal = request->error_is_terminal,
                                      .columns = request->columns,
                                      .gate = gate,
                                      .stopped = request->stopped,
                                      .stopped_context = request->stopped_context};
    struct gate_person person = {0};
    char message[256];
    int code;

    if (request->argc == 1 && strcmp(request->argv[0], tools_serve_question) == 0)
        return is_other_store(gate, request) ? COMMAND_FAULTS : COMMAND_DONE;
    if (command_line_parse((int)request->argc, request->argv, true, &line, message) < 0)
        return commands_cannot(&context, "%s", message);
    context.command = line.command;
    memcpy(context.option_text, line.option_text, sizeof context.option_text);
    memcpy(context.argument_text, line.argument_text, sizeof context.argument_text);
    context.argument_count = line.argument_count;
    if (commands_place(line.command, line.option_text) != COMMAND_GATE)
        return commands_cannot(&context, "this command is not run in the daemon");
    if (!hand_over(&line, request, &context))
        return commands_cannot(&context, "the files of the request are not those that its command line names");
    if (is_other_store(gate, request))
        return commands_cannot(&context, "the daemon that answers here has another store open (--control names the "
                                         "socket of another daemon)");
    if (gate_person_look_up(request->uid, request->pid, &person) < 0)
        return commands_cannot(&context, "who you are can't be looked up now (NSS); try again in a moment");
    context.person = &person;
    gate_hold_policy(gate);
    code = line.command->run(&context);
    gate_let_go_policy(gate);
    gate_person_clear(&person);
    return code;
}
