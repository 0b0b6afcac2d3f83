/* A replacement for the pyconfig.h of 64-bit Pythons on other systems, sufficient for their other
   headers: cross_compile.py compiles for systems whose Python is not installed here. Nothing
   compiled with it is run. */
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_FLOAT 4
#define SIZEOF_DOUBLE 8
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_TIME_T 8
#define ALIGNOF_LONG 8
#define ALIGNOF_SIZE_T 8
#define ALIGNOF_MAX_ALIGN_T 16
#define HAVE_STDARG_PROTOTYPES 1
#define WITH_DOC_STRINGS 1
#ifdef _WIN32
    #define MS_WINDOWS 1
    #define MS_WIN64 1
    #define MS_WIN32 1
    #define NT_THREADS 1
    #define SIZEOF_LONG 4
    #define SIZEOF_WCHAR_T 2
    #define SIZEOF_PID_T 4
    #define Py_ENABLE_SHARED 1
    #define HAVE_DECLSPEC_DLL 1
    #include <io.h>
    #include <stdint.h>
    #include <stddef.h>
    #ifdef _MSC_VER
        typedef long long ssize_t;
    #endif
    typedef long long Py_ssize_t;
    #define HAVE_PY_SSIZE_T 1
    #define PY_SSIZE_T_MAX 0x7fffffffffffffffLL
    #define PY_LLONG_MAX 0x7fffffffffffffffLL
#else
    #define HAVE_UNISTD_H 1
    #define HAVE_SYS_TYPES_H 1
    #define HAVE_SYS_TIME_H 1
    #define HAVE_SYS_STAT_H 1
    #define HAVE_PTHREAD_H 1
    #define HAVE_SSIZE_T 1
    #define HAVE_CLOCK_GETTIME 1
    #define SIZEOF_LONG 8
    #define SIZEOF_WCHAR_T 4
    #define SIZEOF_PID_T 4
    #define _POSIX_THREADS 1
#endif
