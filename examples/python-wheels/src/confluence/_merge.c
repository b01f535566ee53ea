#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if defined(__x86_64__)
#define BUILT_FOR "x86_64"
#elif defined(__aarch64__)
#define BUILT_FOR "aarch64"
#else
#define BUILT_FOR "unknown"
#endif

/* Appends the smaller of the two heads; returns its side, or -1 on an error. */
static int take_smaller(PyObject *out, PyObject *left, PyObject *right)
{
    int on_left = PyObject_RichCompareBool(left, right, Py_LE);

    if (on_left < 0 || PyList_Append(out, on_left ? left : right) < 0)
        return -1;
    return on_left ? 0 : 1;
}

static PyObject *merge(PyObject *module, PyObject *args)
{
    PyObject *first, *second, *left = NULL, *right = NULL, *out = NULL;
    Py_ssize_t i = 0, j = 0, n, m;

    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &first, &second))
        return NULL;
    left = PySequence_Fast(first, "merge() takes two sequences");
    right = left ? PySequence_Fast(second, "merge() takes two sequences") : NULL;
    out = right ? PyList_New(0) : NULL;
    if (!out)
        goto fail;
    n = PySequence_Fast_GET_SIZE(left);
    m = PySequence_Fast_GET_SIZE(right);
    while (i < n && j < m) {
        int side = take_smaller(out, PySequence_Fast_GET_ITEM(left, i),
                                PySequence_Fast_GET_ITEM(right, j));
        if (side < 0)
            goto fail;
        side == 0 ? i++ : j++;
    }
    for (; i < n; i++)
        if (PyList_Append(out, PySequence_Fast_GET_ITEM(left, i)) < 0)
            goto fail;
    for (; j < m; j++)
        if (PyList_Append(out, PySequence_Fast_GET_ITEM(right, j)) < 0)
            goto fail;
    Py_DECREF(left);
    Py_DECREF(right);
    return out;
fail:
    Py_XDECREF(left);
    Py_XDECREF(right);
    Py_XDECREF(out);
    return NULL;
}

static PyObject *built_for(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return PyUnicode_FromString(BUILT_FOR);
}

static PyMethodDef methods[] = {
    {"merge", merge, METH_VARARGS, "merge(a, b): the sorted list of two sorted sequences"},
    {"built_for", built_for, METH_NOARGS, "the machine this extension was compiled for"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_merge", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__merge(void)
{
    return PyModule_Create(&definition);
}
