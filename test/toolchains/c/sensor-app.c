/*
 * What the tests ask of a sensor app, see ../sensor-app.test.ts, with the canonical ABI written out: one import and one
 * export for each function, results in an area of memory that the caller lays out. `wit-bindgen c` would write the
 * same from the WIT.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(interface, name) __attribute__((import_module(interface), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define HANDLE "selvedge:edge/sensor-handler@0.1.0#handle"

typedef struct {
  const char *bytes;
  size_t length;
} text;

/* result<option<string>, error>; the error of every import here is a variant that is not looked at. */
typedef struct {
  uint8_t failed;
  struct {
    uint8_t present;
    text value;
  } option;
} setting;

/* result<reading, error> */
typedef struct {
  uint8_t failed;
  double value;
  text unit;
  uint64_t time_ms;
} reading;

/* result<_, error> */
typedef struct {
  uint8_t failed;
  struct {
    uint8_t tag;
    text reason;
  } error;
} written;

/* result<_, string> */
typedef struct {
  uint8_t failed;
  text reason;
} answer;

IMPORT("wasi:config/store@0.2.0-rc.1", "get") void store_get(const char *, size_t, setting *);
IMPORT("selvedge:device/sensor@0.1.0", "read") void sensor_read(const char *, size_t, reading *);
IMPORT("selvedge:device/pins@0.1.0", "write") void pins_write(const char *, size_t, int, written *);
IMPORT("wasi:logging/logging@0.1.0-draft", "log")
void logging_log(int level, const char *context, size_t, const char *message, size_t);

enum { level_info = 2 };

/* The host allocates here what it passes in. */
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  (void)align; /* malloc's 16 bytes are enough for every type there is. */
  void *memory = size == 0 ? (void *)align : realloc(old, size);
  if (memory == NULL) abort();
  return memory;
}

static answer result;
static char words[256];

static answer *refuse(const char *reason, text of) {
  int length = snprintf(words, sizeof words, reason, (int)of.length, of.bytes);
  result = (answer){.failed = 1, .reason = {words, (size_t)length}};
  return &result;
}

EXPORT(HANDLE)
answer *handle(uint64_t id, const char *name, size_t name_length, double value, const char *unit,
               size_t unit_length, uint64_t time_ms) {
  (void)value, (void)unit, (void)unit_length, (void)time_ms;
  text sensor = {name, name_length};

  setting threshold;
  store_get("threshold", strlen("threshold"), &threshold);
  if (threshold.failed || !threshold.option.present) return refuse("no threshold is set", sensor);
  char digits[32] = {0};
  memcpy(digits, threshold.option.value.bytes,
         threshold.option.value.length < sizeof digits ? threshold.option.value.length : sizeof digits - 1);

  reading now;
  sensor_read(sensor.bytes, sensor.length, &now);
  if (now.failed) return refuse("%.*s gave no reading", sensor);

  written led;
  pins_write("led", strlen("led"), now.value < atof(digits), &led);
  if (led.failed) return refuse("led was not written", sensor);

  int length = snprintf(words, sizeof words, "event %llu: %g %.*s", (unsigned long long)id, now.value,
                        (int)now.unit.length, now.unit.bytes);
  logging_log(level_info, "c", 1, words, (size_t)length);
  result = (answer){.failed = 0};
  return &result;
}
