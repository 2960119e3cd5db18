/* The pass of `file_lines.py` that looks for lines in a file, on the file's bytes: the same rows. `FileLines`
 * says what they mean and is what this file is tested against.
 */
#include <stdint.h>
#include <string.h>

enum { LISTS = 256 };

typedef struct { const uint8_t *start, *end; } Text;

/* Bytes of the character of white space that the text starts with, 0 where it starts with none: what
 * `str.isspace` says, in UTF-8.
 */
static int white(const uint8_t *at, int64_t size) {
    if (at[0] == ' ' || (at[0] >= '\t' && at[0] <= '\r') || (at[0] >= 0x1c && at[0] <= 0x1f)) return 1;
    if (at[0] < 0x80) return 0;
    if (size >= 2 && at[0] == 0xc2) return at[1] == 0x85 || at[1] == 0xa0 ? 2 : 0;
    if (size < 3) return 0;
    if (at[0] == 0xe1) return at[1] == 0x9a && at[2] == 0x80 ? 3 : 0;
    if (at[0] == 0xe2 && at[1] == 0x81) return at[2] == 0x9f ? 3 : 0;
    if (at[0] == 0xe3) return at[1] == 0x80 && at[2] == 0x80 ? 3 : 0;
    if (at[0] != 0xe2 || at[1] != 0x80) return 0;
    return (at[2] >= 0x80 && at[2] <= 0x8a) || at[2] == 0xa8 || at[2] == 0xa9 || at[2] == 0xaf ? 3 : 0;
}

static Text stripped(const uint8_t *start, const uint8_t *end) {
    int size;
    while (start < end && (size = white(start, end - start))) start += size;
    while (start < end) {
        const uint8_t *last = end - 1;
        while (last > start && (*last & 0xc0) == 0x80) last--; /* to the first byte of a character */
        if (white(last, end - last) != end - last) break;
        end = last;
    }
    return (Text){start, end};
}

static int64_t list_of(Text text) { return (31 * (text.end - text.start) + 7 * text.start[0] + text.end[-1]) % LISTS; }

/* `wanted`: texts without white space around them, one after the other, none empty; text i lies between
 * `starts[i]` and `starts[i + 1]`. `next` is room for `count` numbers. A line of `body` ends at `mark`. Lines that
 * are such a text, white space aside: their numbers in `rows`, and that of the text in `which`, the first `most`
 * of them. Returns how many there are.
 */
int64_t samebytes_seek(const uint8_t *body, int64_t size, uint8_t mark, const uint8_t *wanted, const int64_t *starts,
                       int64_t count, int64_t *next, int64_t *rows, int64_t *which, int64_t most) {
    int64_t first[LISTS], found = 0, row = 0;
    for (int64_t i = 0; i < LISTS; i++) first[i] = -1;
    for (int64_t i = count - 1; i >= 0; i--) {
        int64_t list = list_of((Text){wanted + starts[i], wanted + starts[i + 1]});
        next[i] = first[list], first[list] = i;
    }
    for (const uint8_t *line = body, *stop = body + size; line < stop; row++) {
        const uint8_t *end = memchr(line, mark, stop - line);
        Text text = stripped(line, end ? end : stop);
        line = end ? end + 1 : stop;
        if (text.start == text.end) continue;
        int64_t length = text.end - text.start;
        for (int64_t i = first[list_of(text)]; i >= 0; i = next[i]) {
            if (starts[i + 1] - starts[i] != length || memcmp(wanted + starts[i], text.start, length)) continue;
            if (found < most) rows[found] = row, which[found] = i;
            found++;
            break;
        }
    }
    return found;
}
