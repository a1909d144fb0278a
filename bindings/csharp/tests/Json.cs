// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

/// <summary>Reads JSON: objects as dictionaries in their order, arrays as lists, numbers as double.</summary>
internal sealed class Json {
    private readonly string text;
    private int at;

    private Json(string text) {
        this.text = text;
    }

    internal static object Parse(string text) {
        var json = new Json(text);
        var value = json.Value();
        json.Skip();
        if (json.at != text.Length) throw json.Wrong();
        return value;
    }

    private FormatException Wrong() => new FormatException("not JSON at character " + at);

    private void Skip() {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
    }

    private bool Take(char mark) {
        Skip();
        if (at >= text.Length || text[at] != mark) return false;
        at++;
        return true;
    }

    private void Expect(char mark) {
        if (!Take(mark)) throw Wrong();
    }

    private object Value() {
        Skip();
        if (at >= text.Length) throw Wrong();
        switch (text[at]) {
            case '{': return Object();
            case '[': return Array();
            case '"': return Text();
            case 't': return Word("true", true);
            case 'f': return Word("false", false);
            case 'n': return Word("null", null);
            default: return Number();
        }
    }

    private object Word(string word, object value) {
        if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0) throw Wrong();
        at += word.Length;
        return value;
    }

    private Dictionary<string, object> Object() {
        var all = new Dictionary<string, object>();
        Expect('{');
        if (Take('}')) return all;
        do {
            Skip();
            var key = Text();
            Expect(':');
            all.Add(key, Value());
        } while (Take(','));
        Expect('}');
        return all;
    }

    private List<object> Array() {
        var all = new List<object>();
        Expect('[');
        if (Take(']')) return all;
        do all.Add(Value());
        while (Take(','));
        Expect(']');
        return all;
    }

    private string Text() {
        var made = new StringBuilder();
        if (text[at++] != '"') throw Wrong();
        while (text[at] != '"') {
            var letter = text[at++];
            if (letter != '\\') {
                made.Append(letter);
                continue;
            }
            var escaped = text[at++];
            var index = "bfnrt".IndexOf(escaped);
            if (escaped == 'u') {
                made.Append((char)Convert.ToInt32(text.Substring(at, 4), 16));
                at += 4;
            } else {
                made.Append(index < 0 ? escaped : "\b\f\n\r\t"[index]);
            }
        }
        at++;
        return made.ToString();
    }

    private object Number() {
        var begin = at;
        while (at < text.Length && "+-.eE0123456789".IndexOf(text[at]) >= 0) at++;
        return double.Parse(text.Substring(begin, at - begin), CultureInfo.InvariantCulture);
    }
}
