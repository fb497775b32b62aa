/* type_contact: where someone can be reached: postcode, phone, e-mail, network address. */
#include <arpa/inet.h>
#include <string.h>

#include "policy/type_rules.h"

int type_contact_postcode(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                          const char **why)
{
    static const char allowed[] = "a postcode such as 1234 AB (not beginning with 0, not SA, SD or SS)";
    char letters[2];

    (void)type;
    if (length_bytes < 6 || length_bytes > 8)
        return type_refuse(why, allowed);
    for (size_t i = 0; i < length_bytes; i++) {
        bool right = i < 4                  ? type_is_digit(value[i])
                     : i < length_bytes - 2 ? value[i] == ' '
                                            : type_is_letter(value[i]);

        if (!right)
            return type_refuse(why, allowed);
    }
    letters[0] = type_upper(value[length_bytes - 2]);
    letters[1] = type_upper(value[length_bytes - 1]);
    /* never given out, for what they stood for */
    if (value[0] == '0' || (letters[0] == 'S' && strchr("ADS", letters[1])))
        return type_refuse(why, allowed);
    if (buffer_append(canonical, value, 4) || buffer_append(canonical, " ", 1))
        return -ENOMEM;
    return buffer_append(canonical, letters, 2);
}

/* What stands in front of the 9 digits: +31 or 0031, then (0) or not; or 0, with or without brackets round the area. */
static size_t phone_prefix(const char *value, size_t length_bytes)
{
    static const char *const prefixes[] = {"+31(0)", "+31 (0)", "0031(0)", "0031 (0)", "+31", "0031", "(0", "0"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t length = strlen(prefixes[i]);

        if (length_bytes > length && memcmp(value, prefixes[i], length) == 0)
            return length;
    }
    return 0;
}

int type_contact_phone(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                       const char **why)
{
    static const char allowed[] =
        "a Dutch phone number of 10 digits, such as 06-12345678, 010 1234567 or +31612345678";
    size_t at = phone_prefix(value, length_bytes), digits = 0;
    bool open = at == 2 && value[0] == '('; /* (010) 1234567 */

    (void)type;
    if (at == 0)
        return type_refuse(why, allowed);
    if (buffer_append(canonical, "+31", 3))
        return -ENOMEM;
    for (; at < length_bytes; at++) {
        if (value[at] == ')' && open)
            open = false;
        else if (strchr(" -./", value[at]) && at + 1 < length_bytes)
            continue;
        else if (!type_is_digit(value[at]) || ++digits > 9 || (digits == 1 && value[at] == '0'))
            return type_refuse(why, allowed);
        else if (buffer_append(canonical, value + at, 1))
            return -ENOMEM;
    }
    return digits == 9 && !open ? 0 : type_refuse(why, allowed);
}

/* The characters of an unquoted local part (RFC 5321, RFC 5322 atext). */
static bool is_email_atom(const char *text, size_t length_bytes)
{
    if (length_bytes == 0 || length_bytes > 64 || text[0] == '.' || text[length_bytes - 1] == '.')
        return false;
    for (size_t i = 0; i < length_bytes; i++) {
        bool atom =
            type_is_letter(text[i]) || type_is_digit(text[i]) || (text[i] && strchr("!#$%&'*+-/=?^_`{|}~", text[i]));

        if (!atom && !(text[i] == '.' && text[i + 1] != '.'))
            return false;
    }
    return true;
}

/* Two or more labels of letters, digits and hyphens (not at the ends), the last one not a number. */
static bool is_email_domain(const char *text, size_t length_bytes)
{
    size_t label = 0, labels = 1;
    bool letter = false;

    for (size_t i = 0; i < length_bytes; i++) {
        if (text[i] == '.') {
            if (label == 0 || text[i - 1] == '-')
                return false;
            labels++;
            label = 0;
            letter = false;
            continue;
        }
        if (!type_is_letter(text[i]) && !type_is_digit(text[i]) && (text[i] != '-' || label == 0))
            return false;
        letter |= type_is_letter(text[i]);
        if (++label > 63)
            return false;
    }
    return labels >= 2 && label >= 2 && letter && text[length_bytes - 1] != '-';
}

int type_contact_email(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                       const char **why)
{
    const char *at = memchr(value, '@', length_bytes);
    size_t local = at ? (size_t)(at - value) : 0, domain = at ? length_bytes - local - 1 : 0;

    (void)type;
    if (!at || length_bytes > 254 || !is_email_atom(value, local) || !is_email_domain(at + 1, domain))
        return type_refuse(why, "an e-mail address such as name@example.org, in ASCII, at most 254 characters");
    if (buffer_append(canonical, value, local + 1))
        return -ENOMEM;
    for (size_t i = 0; i < domain; i++) {
        char c = type_lower(at[1 + i]);

        if (buffer_append(canonical, &c, 1))
            return -ENOMEM;
    }
    return 0;
}

/* The last octet never reaches the disk, nor anything after the first 48 bits of an IPv6 address; an IPv4 address in
 * IPv6's clothes (::ffff:203.0.113.77) is one of IPv4, or a /48 would leave nothing of it. */
static int mask_ip(char text[INET6_ADDRSTRLEN])
{
    uint8_t address[16];
    int family = 0;

    if (inet_pton(AF_INET, text, address) == 1) {
        family = AF_INET;
    } else if (inet_pton(AF_INET6, text, address) == 1) {
        family = AF_INET6;
        if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address)) {
            memmove(address, address + 12, 4);
            family = AF_INET;
        }
    }
    if (family == AF_INET)
        address[3] = 0;
    else if (family == AF_INET6)
        memset(address + 6, 0, 10);
    if (family == 0 || !inet_ntop(family, address, text, INET6_ADDRSTRLEN))
        family = 0;
    explicit_bzero(address, sizeof address);
    return family ? 0 : -EINVAL;
}

int type_contact_ip(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                    const char **why)
{
    static const char allowed[] = "an IPv4 or IPv6 address";
    char text[INET6_ADDRSTRLEN];
    int error;

    (void)type;
    if (length_bytes >= sizeof text)
        return type_refuse(why, allowed);
    memcpy(text, value, length_bytes);
    text[length_bytes] = '\0';
    error = mask_ip(text) ? type_refuse(why, allowed) : buffer_append(canonical, text, strlen(text));
    explicit_bzero(text, sizeof text);
    return error;
}
