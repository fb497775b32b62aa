// Reads OTLP/JSON, a request a line, with the message classes that the OpenTelemetry project generates from its own protocol, and
// prints {"requests":N,"spans":N}. A member that they do not know, or would read as something else, is a fault: exit 1, and where.
//
//   node check.js MODULES <export.json        MODULES: the node_modules that has them
//
// OTLP/JSON is the JSON mapping of Protocol Buffers but for one thing, and the classes read the mapping: trace and span ids are
// in hexadecimal, where the mapping has base64. So these are looked at, and turned into base64, here.
'use strict';
const {isDeepStrictEqual} = require('node:util');
const path = require('node:path');
const root = require(path.join(process.argv[2], '@opentelemetry/otlp-transformer/build/src/generated/root.js'));
const Request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
const ids = {traceId: 16, spanId: 8, parentSpanId: 8};

function fail(line, why) {
    console.error(`line ${line}: ${why}`);
    process.exit(1);
}

function spansOf(request) {
    return (request.resourceSpans ?? []).flatMap((r) => r.scopeSpans ?? []).flatMap((s) => s.spans ?? []);
}

// The ids of a span in base64, in place.
function mapIds(span, line) {
    for (const [name, bytes] of Object.entries(ids)) {
        const id = span[name];
        if (id === undefined && name === 'parentSpanId') continue;
        if (typeof id !== 'string' || !/^[0-9a-f]*$/.test(id) || id.length !== 2 * bytes || /^0*$/.test(id))
            fail(line, `${name} is not ${bytes} bytes in hexadecimal, not all zero`);
        span[name] = Buffer.from(id, 'hex').toString('base64');
    }
}

function check(text, line) {
    const given = JSON.parse(text);
    const spans = spansOf(given);
    for (const span of spans) mapIds(span, line);
    const message = Request.fromObject(given);
    const wrong = Request.verify(message);
    if (wrong) fail(line, wrong);
    // What they take over is all that was there, as it was: here, and after it went over the wire.
    for (const one of [message, Request.decode(Request.encode(message).finish())]) {
        const read = Request.toObject(one, {longs: String, bytes: String, arrays: false});
        if (!isDeepStrictEqual(JSON.parse(JSON.stringify(read)), given))
            fail(line, `it is read as ${JSON.stringify(read)}\n  and was ${JSON.stringify(given)}`);
    }
    return spans.length;
}

const lines = require('node:fs').readFileSync(0, 'utf8').split('\n').filter((text) => text !== '');
console.log(JSON.stringify({requests: lines.length, spans: lines.reduce((sum, text, i) => sum + check(text, i + 1), 0)}));
