// SPDX-License-Identifier: MIT
#include "migrate/encoding.hpp"

#include <iconv.h>

#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

constexpr std::string_view little_mark = "\xFF\xFE", big_mark = "\xFE\xFF";

class Converter {
public:
    explicit Converter(const std::string& encoding) : handle_(iconv_open("UTF-8", encoding.c_str())) {}
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    ~Converter() {
        if (known()) iconv_close(handle_);
    }
    bool known() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

    // False: some bytes are none of its characters.
    bool convert(std::string& bytes, std::string& out) {
        char* in = bytes.data();
        std::size_t left = bytes.size();
        std::array<char, 4096> buffer{};
        while (left > 0) {
            char* to = buffer.data();
            std::size_t room = buffer.size();
            const std::size_t result = iconv(handle_, &in, &left, &to, &room);
            out.append(buffer.data(), buffer.size() - room);
            if (result == static_cast<std::size_t>(-1) && errno != E2BIG) return false;
        }
        return true;
    }

private:
    iconv_t handle_;
};

bool utf8(std::string_view encoding) {
    return base::equal_fold(encoding, "UTF-8") || base::equal_fold(encoding, "UTF8");
}

}  // namespace

void require_encoding(std::string_view encoding) {
    if (encoding.find('/') == std::string_view::npos && !encoding.empty() && Converter(std::string(encoding)).known())
        return;
    throw Error(Code::invalid_argument, "no encoding '" + base::excerpt(encoding) + "'");
}

std::string decoded(std::string bytes, std::string_view encoding, const std::string& script) {
    const auto refuse = [&](std::string_view what) {
        throw Error(Code::invalid_argument, "script '" + script + "' is not " + std::string(what)).with_script(script);
    };
    std::string name(encoding);
    const bool either = utf8(encoding) || base::equal_fold(encoding, "UTF-16");
    if (either && bytes.starts_with(little_mark)) {
        name = "UTF-16LE";
        bytes.erase(0, 2);
    } else if (either && bytes.starts_with(big_mark)) {
        name = "UTF-16BE";
        bytes.erase(0, 2);
    } else if (base::equal_fold(encoding, "UTF-16")) {
        name = "UTF-16BE";
    }
    if (utf8(name)) {
        if (!base::valid_utf8(bytes)) refuse("UTF-8");
        return bytes;
    }
    Converter converter(name);
    if (!converter.known()) require_encoding(encoding);
    std::string text;
    if (!converter.convert(bytes, text)) refuse(name);
    return text;
}

}  // namespace mtdb::migrate
