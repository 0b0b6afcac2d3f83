# What the compiler says of this build, and the processor of itself (cpu.py reads it).

cdef extern from *:
    """
    #if defined(__clang__)
        #define CYRELU_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
        #define CYRELU_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
        #define CYRELU_TEXT_(x) #x
        #define CYRELU_TEXT(x) CYRELU_TEXT_(x)
        #define CYRELU_COMPILER "MSVC " CYRELU_TEXT(_MSC_FULL_VER)
    #else
        #define CYRELU_COMPILER "unknown"
    #endif
    #ifdef CYTHON_WITHOUT_ASSERTIONS
        #define CYRELU_DEBUG 0
    #else
        #define CYRELU_DEBUG 1
    #endif

    #if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
        #include <intrin.h>
        #define CYRELU_HAS_CPUID 1
        static void cyrelu_cpuid(unsigned leaf, unsigned subleaf, unsigned *registers) {
            __cpuidex((int *)registers, (int)leaf, (int)subleaf);
        }
        static unsigned cyrelu_xgetbv(void) { return (unsigned)_xgetbv(0); }
    #elif (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
        #include <cpuid.h>
        #define CYRELU_HAS_CPUID 1
        static void cyrelu_cpuid(unsigned leaf, unsigned subleaf, unsigned *registers) {
            __cpuid_count(leaf, subleaf, registers[0], registers[1], registers[2], registers[3]);
        }
        static unsigned cyrelu_xgetbv(void) {
            unsigned low, high;
            __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
            return low;
        }
    #else
        #define CYRELU_HAS_CPUID 0
        static void cyrelu_cpuid(unsigned leaf, unsigned subleaf, unsigned *registers) {
            (void)leaf, (void)subleaf, (void)registers;
        }
        static unsigned cyrelu_xgetbv(void) { return 0; }
    #endif

    #if defined(__linux__) && defined(__aarch64__)
        #include <sys/auxv.h>
        #define cyrelu_hwcap() getauxval(AT_HWCAP)
    #else
        #define cyrelu_hwcap() 0
    #endif
    """
    const char* CYRELU_COMPILER
    int CYTHON_HEX_VERSION
    bint CYRELU_DEBUG
    bint HAS_CPUID "CYRELU_HAS_CPUID"
    void read_cpuid "cyrelu_cpuid"(unsigned leaf, unsigned subleaf, unsigned* registers)
    unsigned read_xgetbv "cyrelu_xgetbv"()
    unsigned long read_hwcap "cyrelu_hwcap"()

has_cpuid = HAS_CPUID
hwcap = read_hwcap()  # AT_HWCAP: what an Arm processor has, in the words of Linux


def build_info():
    """How this module was compiled."""
    return {
        "compiler": CYRELU_COMPILER.decode(),
        "cython": ".".join(str(CYTHON_HEX_VERSION >> shift & 255) for shift in (24, 16, 8)),
        "debug": CYRELU_DEBUG,
    }


def cpuid(unsigned leaf, unsigned subleaf=0):
    """The registers eax, ebx, ecx, edx for a leaf; zeros where the processor has no such leaf."""
    cdef unsigned[4] registers = [0, 0, 0, 0]
    read_cpuid(leaf & 0x80000000, 0, registers)  # the highest leaf of its range
    if leaf > registers[0]:
        return 0, 0, 0, 0
    read_cpuid(leaf, subleaf, registers)
    return registers[0], registers[1], registers[2], registers[3]


def xgetbv():
    """Which registers the operating system saves; only to be called where cpuid has OSXSAVE."""
    return read_xgetbv()
