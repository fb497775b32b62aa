/* Goal: whatever a label says, a page stays one well-formed page that does nothing and fetches nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/page.h"

struct page {
    FILE *out;
    char *text;
    size_t text_bytes;
};

static void page_open(struct page *page)
{
    page->out = open_memstream(&page->text, &page->text_bytes);
    assert_non_null(page->out);
}

static void texts_are_escaped(void **state)
{
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"", ""},
        {"Huur & zo", "Huur &amp; zo"},
        {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"\" onload='x'", "&quot; onload=&#39;x&#39;"},
        {"&lt;", "&amp;lt;"},
        {"]]>", "]]&gt;"},
        {"<!-- -->", "&lt;!-- --&gt;"},
        {"Financi\xC3\xABn", "Financi\xC3\xABn"},
        {"a\x01\x1B[2J\x7F", "a\xEF\xBF\xBD\xEF\xBF\xBD[2J\xEF\xBF\xBD"},
        {"a\nb", "a\xEF\xBF\xBD"
                 "b"},
        {"\xC2\x85", "\xEF\xBF\xBD"},
        {"\xFF<", "\xEF\xBF\xBD&lt;"},
        {"\xC3", "\xEF\xBF\xBD"},
        {"\xC3<b>", "\xEF\xBF\xBD&lt;b&gt;"},
        {"\xEF\xBF\xBE", "\xEF\xBF\xBD"},
        {"\xF0\x9F\x8F\xA0", "\xF0\x9F\x8F\xA0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct page page;

        page_open(&page);
        page_text(page.out, rows[i].text);
        fclose(page.out);
        assert_string_equal(page.text, rows[i].written);
        free(page.text);
    }
}

static void parts_keep_their_places(void **state)
{
    static const char *const names[] = {"What", "<b>", NULL};
    static const char *const row[] = {"a\n<i>", "x\ny"}, *const empty[] = {"b", NULL};
    struct page page;

    (void)state;
    page_open(&page);
    page_table_begin(page.out, PAGE_STACKED, "c & d", names);
    page_table_row(page.out, names, row);
    page_table_row(page.out, names, empty);
    page_table_end(page.out);
    page_contents_begin(page.out, "\"");
    page_contents(page.out, "rent", "R&");
    page_contents_end(page.out);
    page_heading(page.out, 2, "rent", "<R>");
    page_heading(page.out, 3, NULL, "x");
    page_terms_begin(page.out);
    page_term(page.out, "n<", "one\ntwo>");
    page_terms_end(page.out);
    fclose(page.out);
    assert_string_equal(
        page.text, "<div class=\"fits\">\n<table class=\"stacked\">\n<caption>c &amp; d</caption>\n<thead>\n"
                   "<tr><th scope=\"col\">What</th><th scope=\"col\">&lt;b&gt;</th></tr>\n</thead>\n<tbody>\n"
                   "<tr><th scope=\"row\">a<br/>&lt;i&gt;</th><td data-name=\"&lt;b&gt;\">x<br/>y</td></tr>\n"
                   "<tr><th scope=\"row\">b</th><td data-name=\"&lt;b&gt;\"></td></tr>\n</tbody>\n</table>\n</div>\n"
                   "<nav aria-label=\"&quot;\">\n<ol>\n<li><a href=\"#rent\">R&amp;</a></li>\n</ol>\n</nav>\n"
                   "<h2 id=\"rent\">&lt;R&gt;</h2>\n<h3>x</h3>\n"
                   "<dl>\n<dt>n&lt;</dt>\n<dd>one</dd>\n<dd>two&gt;</dd>\n</dl>\n");
    free(page.text);
}

static void a_page_fetches_nothing(void **state)
{
    struct page page;

    (void)state;
    page_open(&page);
    page_begin(page.out, "nl", "</title><script>");
    page_end(page.out);
    fclose(page.out);
    assert_non_null(strstr(page.text, "<title>&lt;/title&gt;&lt;script&gt;</title>"));
    assert_non_null(strstr(page.text, "<h1>&lt;/title&gt;&lt;script&gt;</h1>"));
    assert_non_null(strstr(page.text, "<html lang=\"nl\""));
    for (const char *const *word = (const char *const[]){"<script", "src=", "href=", "url(", "@import", NULL}; *word;
         word++)
        assert_null(strstr(page.text, *word));
    free(page.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_escaped), cmocka_unit_test(parts_keep_their_places),
                                       cmocka_unit_test(a_page_fetches_nothing)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
