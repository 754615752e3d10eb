/* Canonical heads, cut as proxy/wire/patterns.py cuts them: the same bytes in, the same tuples out, without a pattern.

       cut_request(b"GET /a?b HTTP/1.1\r\nHost: x\r\nAccept: x\r\n\r\n", 65540)
           -> (b"GET", b"/a?b", b"x", b"x", b"Accept: x\r\n", None, 44), or None where the head is not canonical
       cut_reply(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nDate: x\r\n\r\n", 65540)
           -> (200, b"OK", b"Date: x\r\n", 1, True, 47), or None

   patterns.py says what is canonical and why; a property of tests/wire/test_fast.py holds the two equal. Which names are
   special is told by set_names(), from proxy/headers.py, where they stand.

   One pass from left to right, of which every step ends within `end`: a function `after_...` is given where something
   should begin, and gives where what follows it begins, or NULL if it is not there. Nothing is copied but what is given
   back. Only the stable ABI of 3.11 is used, so that one build serves every Python from there on. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char byte;

/* What a byte may be. */
enum { NAME = 1, FIRST = 2, VISIBLE = 4, TEXT = 8, TARGET = 16, HOST = 32, DIGIT = 64 };
static byte classes[256];
#define IS(value, class) (classes[value] & (class))
/* Lower case, of a byte that may stand in a name: there `-` and digits have this bit already. */
#define LOWER(value) ((value) | 0x20)

static void
make_classes(void)
{
    for (int value = 0; value < 256; value++) {
        int is_lower = value >= 'a' && value <= 'z', is_upper = value >= 'A' && value <= 'Z';
        int is_digit = value >= '0' && value <= '9', is_visible = value >= '!' && value <= '~';
        int is_first = is_lower || is_upper || is_digit;
        classes[value] = (is_first || value == '-' ? NAME : 0) | (is_first ? FIRST : 0) | (is_visible ? VISIBLE : 0)
            | (is_visible || value == ' ' ? TEXT : 0) | (is_visible && value != '#' ? TARGET : 0)
            | (is_lower || is_digit || value == '-' ? HOST : 0) | (is_digit ? DIGIT : 0);
    }
}

/* The special names, in lower case, those of one first letter in a chain; 0 ends a chain, and names[0] is nobody's. */
enum { MOST_NAMES = 64, LONGEST_NAME = 40 };
typedef struct {
    byte size, is_beginning, next, text[LONGEST_NAME];
} Name;
typedef struct {
    byte count, first[26];
    Name names[MOST_NAMES];
} Names;
typedef struct {
    Names in_requests, in_replies;
} State;

static int
is_special(const Names *special, const byte *name, size_t size)
{
    unsigned letter = LOWER(name[0]) - 'a';
    if (letter >= 26) /* a digit */
        return 0;
    for (byte index = special->first[letter]; index; index = special->names[index].next) {
        const Name *each = &special->names[index];
        if (each->is_beginning ? size < each->size : size != each->size)
            continue;
        size_t same = 1;
        while (same < each->size && LOWER(name[same]) == each->text[same])
            same++;
        if (same == each->size)
            return 1;
    }
    return 0;
}

/* -- what a head is made of */

static const byte *
after_literal(const byte *at, const byte *end, const char *literal, size_t size)
{
    return (size_t)(end - at) >= size && memcmp(at, literal, size) == 0 ? at + size : NULL;
}
#define AFTER(at, end, literal) after_literal(at, end, literal, sizeof(literal) - 1)

/* As many bytes of that class as there are; perhaps none. */
static inline const byte *
after_run(const byte *at, const byte *end, int class)
{
    while (at < end && IS(*at, class))
        at++;
    return at;
}

/* `Name: value`, with one space, and none at the end, of a name that is not special; or is `but`, in that spelling. */
static inline const byte *
after_line(const byte *at, const byte *end, const Names *special, const char *but, int *is_but)
{
    const byte *name = at;
    if (at == end || !IS(*at, FIRST))
        return NULL;
    at = after_run(at + 1, end, NAME);
    size_t size = (size_t)(at - name);
    int spelt_so = but != NULL && size == strlen(but) && memcmp(name, but, size) == 0;
    if (!spelt_so && is_special(special, name, size))
        return NULL;
    at = AFTER(at, end, ": ");
    if (at == NULL || at == end || !IS(*at, VISIBLE))
        return NULL;
    at = after_run(at, end, TEXT);
    if (!IS(at[-1], VISIBLE)) /* there is a byte before: the visible one that the value began with */
        return NULL;
    at = AFTER(at, end, "\r\n");
    if (at != NULL && spelt_so)
        *is_but = 1;
    return at;
}

/* One to 18 digits, which never exceed 2**63, and the end of the line. */
static const byte *
after_length(const byte *at, const byte *end, long long *length)
{
    at = AFTER(at, end, "Content-Length: ");
    if (at == NULL)
        return NULL;
    long long value = 0;
    const byte *first = at;
    while (at < end && IS(*at, DIGIT) && at - first < 18)
        value = value * 10 + (*at++ - '0');
    if (at == first || (at = AFTER(at, end, "\r\n")) == NULL)
        return NULL;
    *length = value;
    return at;
}

static const byte *
after_keep_alive(const byte *at, const byte *end)
{
    static const char spelt[] = "Connection: keep-alive\r\n";
    enum { SIZE = sizeof(spelt) - 1, K = 12, A = 17 }; /* `k` and `a` may be capitals */
    if (end - at < SIZE || LOWER(at[K]) != 'k' || LOWER(at[A]) != 'a' || memcmp(at, spelt, K) != 0
        || memcmp(at + K + 1, spelt + K + 1, A - K - 1) != 0 || memcmp(at + A + 1, spelt + A + 1, SIZE - A - 1) != 0)
        return NULL;
    return at + SIZE;
}

/* How long the server keeps a connection, in any words. */
static const byte *
after_kept_for(const byte *at, const byte *end)
{
    const byte *value = AFTER(at, end, "Keep-Alive: ");
    if (value == NULL)
        return NULL;
    for (at = value; at < end && (IS(*at, VISIBLE) || *at == ' ');)
        at++;
    return at == value ? NULL : AFTER(at, end, "\r\n");
}

/* -- what is given back */

/* The lines that pass, in the pieces that the lines between them leave: three of those at most. */
typedef struct {
    int count;
    struct {
        const byte *at;
        size_t size;
    } pieces[4];
} Kept;

static void
keep(Kept *kept, const byte *from, const byte *to)
{
    kept->pieces[kept->count].at = from;
    kept->pieces[kept->count++].size = (size_t)(to - from);
}

static PyObject *
bytes_of(const byte *from, const byte *to)
{
    return PyBytes_FromStringAndSize((const char *)from, to - from);
}

static PyObject *
joined(const Kept *kept)
{
    size_t size = 0;
    for (int index = 0; index < kept->count; index++)
        size += kept->pieces[index].size;
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    char *at = made == NULL || size == 0 ? NULL : PyBytes_AsString(made); /* the empty one is everybody's */
    for (int index = 0; at != NULL && index < kept->count; index++) {
        memcpy(at, kept->pieces[index].at, kept->pieces[index].size);
        at += kept->pieces[index].size;
    }
    return made;
}

/* Takes the items, whether or not it succeeds; one that is NULL could not be made. */
static PyObject *
tuple_of(PyObject **items, Py_ssize_t count)
{
    PyObject *made = PyTuple_New(count);
    int is_whole = made != NULL;
    for (Py_ssize_t index = 0; index < count; index++) {
        is_whole &= items[index] != NULL;
        if (made != NULL)
            PyTuple_SetItem(made, index, items[index]);
        else
            Py_XDECREF(items[index]);
    }
    if (!is_whole)
        Py_CLEAR(made);
    return made;
}

/* From Python: the bytes, and how many of them may be a head. */
static int
read_arguments(PyObject *const *args, Py_ssize_t count, const byte **at, const byte **end)
{
    char *data;
    Py_ssize_t size;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "two arguments are wanted: the bytes, and how many may be a head");
        return 0;
    }
    Py_ssize_t most = PyLong_AsSsize_t(args[1]);
    if ((most == -1 && PyErr_Occurred()) || PyBytes_AsStringAndSize(args[0], &data, &size) < 0)
        return 0;
    *at = (const byte *)data;
    *end = *at + (size < most ? size : most < 0 ? 0 : most);
    return 1;
}

static PyObject *
cut_request(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    static const char methods[][9] = {"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "PATCH ", "OPTIONS "};
    const Names *special = &((State *)PyModule_GetState(module))->in_requests;
    const byte *begin, *at = NULL, *end;
    if (!read_arguments(args, count, &begin, &end))
        return NULL;
    for (size_t index = 0; at == NULL && index < sizeof(methods) / sizeof(*methods); index++)
        at = after_literal(begin, end, methods[index], strlen(methods[index]));
    if (at == NULL || at == end || *at != '/')
        Py_RETURN_NONE;
    const byte *target = at, *target_end = at = after_run(at, end, TARGET);
    const byte *host = at = AFTER(at, end, " HTTP/1.1\r\nHost: ");
    if (host == NULL)
        Py_RETURN_NONE;
    for (;; at++) { /* labels, and a dot between two */
        const byte *label = at;
        at = after_run(at, end, HOST);
        if (at == label)
            Py_RETURN_NONE;
        if (at == end || *at != '.')
            break;
    }
    const byte *name_end = at;
    if (at < end && *at == ':') {
        at = after_run(at + 1, end, DIGIT);
        if (at - name_end < 2 || at - name_end > 6)
            Py_RETURN_NONE;
    }
    const byte *host_end = at;
    at = AFTER(at, end, "\r\n");
    if (at == NULL)
        Py_RETURN_NONE;

    /* One length; and one `Connection: keep-alive` before it, and one after it. */
    long long length = -1;
    Kept kept = {0};
    int stays = 0;
    const byte *piece = at, *after;
    while ((after = AFTER(at, end, "\r\n")) == NULL) {
        if ((after = after_line(at, end, special, NULL, NULL)) == NULL) {
            keep(&kept, piece, at);
            if (!stays && (after = after_keep_alive(at, end)) != NULL)
                stays = 1;
            else if (length < 0 && (after = after_length(at, end, &length)) != NULL)
                stays = 0;
            else
                Py_RETURN_NONE;
            piece = after;
        }
        at = after;
    }
    keep(&kept, piece, at);
    PyObject *host_made = bytes_of(host, host_end);
    PyObject *items[] = {
        bytes_of(begin, target - 1),
        bytes_of(target, target_end),
        host_made,
        name_end == host_end ? Py_XNewRef(host_made) : bytes_of(host, name_end),
        joined(&kept),
        length < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(length),
        PyLong_FromSsize_t(after - begin),
    };
    return tuple_of(items, sizeof(items) / sizeof(*items));
}

static PyObject *
cut_reply(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    const Names *special = &((State *)PyModule_GetState(module))->in_replies;
    const byte *begin, *end;
    if (!read_arguments(args, count, &begin, &end))
        return NULL;
    const byte *status = AFTER(begin, end, "HTTP/1.1 ");
    if (status == NULL || end - status < 5 || status[0] < '2' || status[0] > '5' || !IS(status[1], DIGIT)
        || !IS(status[2], DIGIT) || status[3] != ' ' || !IS(status[4], VISIBLE))
        Py_RETURN_NONE;
    const byte *reason = status + 4, *reason_end = after_run(reason, end, TEXT);
    const byte *at = AFTER(reason_end, end, "\r\n");
    if (at == NULL)
        Py_RETURN_NONE;

    /* Three lines at most that end here, of which one is the length. */
    long long length = -1, another;
    Kept kept = {0};
    int has_date = 0;
    const byte *piece = at, *after;
    while ((after = AFTER(at, end, "\r\n")) == NULL) {
        if ((after = after_line(at, end, special, "Date", &has_date)) == NULL) {
            if (kept.count == 3)
                Py_RETURN_NONE;
            keep(&kept, piece, at);
            if ((after = after_length(at, end, &another)) != NULL) {
                if (length >= 0)
                    Py_RETURN_NONE;
                length = another;
            }
            else if ((after = after_keep_alive(at, end)) == NULL && (after = after_kept_for(at, end)) == NULL)
                Py_RETURN_NONE;
            piece = after;
        }
        at = after;
    }
    if (length < 0)
        Py_RETURN_NONE;
    keep(&kept, piece, at);
    PyObject *items[] = {
        PyLong_FromLong((status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0')),
        bytes_of(reason, reason_end),
        joined(&kept),
        PyLong_FromLongLong(length),
        PyBool_FromLong(has_date),
        PyLong_FromSsize_t(after - begin),
    };
    return tuple_of(items, sizeof(items) / sizeof(*items));
}

/* -- the module */

static int
add_names(Names *to, PyObject *names, int are_beginnings)
{
    for (Py_ssize_t index = 0; index < PyTuple_Size(names); index++) {
        char *text;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(names, index), &text, &size) < 0)
            return 0;
        if (size < 1 || size > LONGEST_NAME || text[0] < 'a' || text[0] > 'z' || to->count == MOST_NAMES - 1) {
            PyErr_SetString(PyExc_ValueError, "a special name begins with a small letter and is short; they are few");
            return 0;
        }
        Name *name = &to->names[++to->count];
        byte *first = &to->first[text[0] - 'a'];
        name->size = (byte)size;
        name->is_beginning = (byte)are_beginnings;
        name->next = *first;
        *first = to->count;
        memcpy(name->text, text, (size_t)size);
    }
    return 1;
}

static PyObject *
set_names(PyObject *module, PyObject *args)
{
    PyObject *in_requests, *beginnings, *in_replies;
    State made = {0};
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyTuple_Type, &in_requests, &PyTuple_Type, &beginnings, &PyTuple_Type, &in_replies)
        || !add_names(&made.in_requests, in_requests, 0) || !add_names(&made.in_requests, beginnings, 1)
        || !add_names(&made.in_replies, in_replies, 0))
        return NULL;
    *(State *)PyModule_GetState(module) = made;
    Py_RETURN_NONE;
}

static int
begin_module(PyObject *module)
{
    memset(PyModule_GetState(module), 0, sizeof(State));
    make_classes();
    return PyModule_AddStringConstant(module, "SOURCE", SOURCE); /* the CRC of this file, by which a stale build is known */
}

static PyMethodDef functions[] = {
    {"cut_request", (PyCFunction)(void (*)(void))cut_request, METH_FASTCALL, NULL},
    {"cut_reply", (PyCFunction)(void (*)(void))cut_reply, METH_FASTCALL, NULL},
    {"set_names", set_names, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)begin_module}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_cut", NULL, sizeof(State), functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__cut(void)
{
    return PyModuleDef_Init(&definition);
}
