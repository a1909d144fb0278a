// SPDX-License-Identifier: MIT
#pragma once

#include <cjson/cJSON.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace mtdb::engine {

// One flat JSON object, built by cJSON.
class Json {
public:
    static Json object() { return Json(cJSON_CreateObject()); }

    Json& add(const char* key, std::string_view value) & {
        return put(key, cJSON_CreateString(std::string(value).c_str()));
    }
    Json& add(const char* key, int64_t value) & {  // as digits: a double would lose some
        return put(key, cJSON_CreateRaw(std::to_string(value).c_str()));
    }
    template <class Value>
    Json&& add(const char* key, Value value) && {
        add(key, value);
        return std::move(*this);
    }
    std::string text() const {
        const std::unique_ptr<char, void (*)(void*)> printed(cJSON_PrintUnformatted(root_.get()),
                                                             cJSON_free);
        if (printed == nullptr) throw std::bad_alloc();
        return printed.get();
    }

private:
    struct Delete {
        void operator()(cJSON* json) const noexcept { cJSON_Delete(json); }
    };
    explicit Json(cJSON* root) : root_(root) {
        if (root == nullptr) throw std::bad_alloc();
    }
    Json& put(const char* key, cJSON* item) {
        if (item == nullptr || !cJSON_AddItemToObject(root_.get(), key, item)) {
            cJSON_Delete(item);
            throw std::bad_alloc();
        }
        return *this;
    }
    std::unique_ptr<cJSON, Delete> root_;
};

}  // namespace mtdb::engine
